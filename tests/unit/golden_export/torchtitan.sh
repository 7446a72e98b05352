# llama-3.1-405b on 16,384 h100-sxm: a plan of planner train, as arguments of torchtitan 0.2.2.
# The plan is for NVIDIA Megatron-Bridge: its figures and its layout are not those of torchtitan; plan with
# --software torchtitan.

# Not said, or not as planned:
# - stage_layout = Et|(tt|)*62tL: layers of each chunk, in Megatron's letters, where they do not divide
#   evenly: its stages hold pipeline_parallel_layers_per_stage layers, the first and the last one fewer

: "${HEAD_ADDR:?address of the first host}"

# Training on 16,384 h100-sxm of 2,048 hosts: run on each host.
cat > llama-3.1-405b.toml <<EOF
[training]
dataset = "c4_test"
local_batch_size = 16
global_batch_size = 2048
seq_len = 8192
steps = 59605
mixed_precision_param = "bfloat16"

[model]
name = "llama3"
flavor = "405B"

[parallelism]
tensor_parallel_degree = 8
context_parallel_degree = 2
pipeline_parallel_degree = 8
pipeline_parallel_layers_per_stage = 2
pipeline_parallel_microbatch_size = 1
pipeline_parallel_schedule = "Interleaved1F1B"
data_parallel_replicate_degree = 1
data_parallel_shard_degree = 128
fsdp_reshard_after_forward = "always"

[activation_checkpoint]
mode = "selective"
selective_ac_option = "op"
EOF
torchrun --nnodes 2048 --nproc_per_node 8 --rdzv_backend c10d --rdzv_endpoint "$HEAD_ADDR:29500" -m torchtitan.train \
  --job.config_file llama-3.1-405b.toml

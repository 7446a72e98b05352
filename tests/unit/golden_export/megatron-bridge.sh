# deepseek-v3 on 2,048 h100-sxm: a plan of planner train, as arguments of Megatron-Bridge 0.7.

# Not said, or not as planned:
# - recompute_dense = activations: what selective recompute repeats of dense blocks: Megatron repeats the
#   activation of experts but not of dense blocks: leave memory for it, or add mlp to model.recompute_modules

: "${HEAD_ADDR:?address of the first host}"

# Training on 2,048 h100-sxm of 256 hosts: run on each host.
torchrun --nnodes 256 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint "$HEAD_ADDR:29500" scripts/training/run_recipe.py \
  --dataset mock \
  --model deepseek_v3 \
  --mode pretrain \
  'model.pipeline_model_parallel_layout="Ettt|(tttt|)*14ttmL"' \
  model.sequence_parallel=false \
  model.tensor_model_parallel_size=1 \
  model.context_parallel_size=1 \
  model.pipeline_model_parallel_size=16 \
  model.virtual_pipeline_model_parallel_size=null \
  model.expert_model_parallel_size=64 \
  model.expert_tensor_parallel_size=1 \
  model.moe_token_dispatcher_type=flex \
  model.moe_flex_dispatcher_backend=deepep \
  train.micro_batch_size=1 \
  train.global_batch_size=15360 \
  dataset.seq_length=4096 \
  train.train_iters=15895 \
  ddp.use_distributed_optimizer=true \
  optimizer.use_distributed_optimizer=true \
  ddp.overlap_grad_reduce=true \
  ddp.overlap_param_gather=true \
  model.recompute_granularity=selective \
  'model.recompute_modules=[layernorm,moe_act,mla_up_proj]' \
  mixed_precision=bf16_with_fp8_current_scaling_mixed

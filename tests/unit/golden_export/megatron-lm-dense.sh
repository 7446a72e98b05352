# llama-3.1-405b on 16,384 h100-sxm: a plan of planner train, as arguments of Megatron Core 0.20.

# Not said, or not as planned:
# - recompute_dense = activations: what selective recompute repeats of dense blocks: Megatron repeats the
#   activation of experts but not of dense blocks: leave memory for it, or add mlp to --recompute-modules

: "${HEAD_ADDR:?address of the first host}"
: "${LR:?peak learning rate, which is no part of a plan}"

# Training on 16,384 h100-sxm of 2,048 hosts: run on each host.
export CUDA_DEVICE_MAX_CONNECTIONS=1
torchrun --nnodes 2048 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint "$HEAD_ADDR:29500" pretrain_gpt.py \
  --transformer-impl transformer_engine \
  --mock-data \
  --tokenizer-type NullTokenizer \
  --lr "$LR" \
  --lr-decay-style cosine \
  --num-layers 126 \
  --hidden-size 16384 \
  --ffn-hidden-size 53248 \
  --num-attention-heads 128 \
  --group-query-attention \
  --num-query-groups 8 \
  --kv-channels 128 \
  --vocab-size 128256 \
  --swiglu \
  --untie-embeddings-and-output-weights \
  --position-embedding-type rope \
  --normalization RMSNorm \
  --disable-bias-linear \
  --tensor-model-parallel-size 8 \
  --context-parallel-size 2 \
  --pipeline-model-parallel-size 8 \
  --pipeline-model-parallel-layout 'Et|(tt|)*62tL' \
  --micro-batch-size 1 \
  --global-batch-size 2048 \
  --seq-length 8192 \
  --max-position-embeddings 8192 \
  --train-iters 59605 \
  --use-distributed-optimizer \
  --overlap-grad-reduce \
  --overlap-param-gather \
  --recompute-granularity selective \
  --recompute-modules layernorm \
  --sequence-parallel \
  --bf16

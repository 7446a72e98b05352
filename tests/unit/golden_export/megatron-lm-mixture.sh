# deepseek-v3 on 2,048 h100-sxm: a plan of planner train, as arguments of Megatron Core 0.20.

# Not said, or not as planned:
# - recompute_dense = activations: what selective recompute repeats of dense blocks: Megatron repeats the
#   activation of experts but not of dense blocks: leave memory for it, or add mlp to --recompute-modules

: "${HEAD_ADDR:?address of the first host}"
: "${LR:?peak learning rate, which is no part of a plan}"

# Training on 2,048 h100-sxm of 256 hosts: run on each host.
export CUDA_DEVICE_MAX_CONNECTIONS=1
torchrun --nnodes 256 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint "$HEAD_ADDR:29500" pretrain_gpt.py \
  --transformer-impl transformer_engine \
  --mock-data \
  --tokenizer-type NullTokenizer \
  --lr "$LR" \
  --lr-decay-style cosine \
  --num-layers 61 \
  --hidden-size 7168 \
  --ffn-hidden-size 18432 \
  --num-attention-heads 128 \
  --vocab-size 129280 \
  --swiglu \
  --untie-embeddings-and-output-weights \
  --position-embedding-type rope \
  --normalization RMSNorm \
  --disable-bias-linear \
  --multi-latent-attention \
  --qk-layernorm \
  --q-lora-rank 1536 \
  --kv-lora-rank 512 \
  --qk-head-dim 128 \
  --qk-pos-emb-head-dim 64 \
  --v-head-dim 128 \
  --num-experts 256 \
  --moe-grouped-gemm \
  --moe-router-topk 8 \
  --moe-ffn-hidden-size 2048 \
  --moe-shared-expert-intermediate-size 2048 \
  --moe-router-score-function sigmoid \
  --moe-router-enable-expert-bias \
  --moe-layer-freq '([0]*3+[1]*58)' \
  --mtp-num-layers 1 \
  --tensor-model-parallel-size 1 \
  --context-parallel-size 1 \
  --pipeline-model-parallel-size 16 \
  --pipeline-model-parallel-layout 'Ettt|(tttt|)*14ttmL' \
  --expert-model-parallel-size 64 \
  --expert-tensor-parallel-size 1 \
  --moe-token-dispatcher-type flex \
  --moe-flex-dispatcher-backend deepep \
  --micro-batch-size 1 \
  --global-batch-size 15360 \
  --seq-length 4096 \
  --max-position-embeddings 4096 \
  --train-iters 15895 \
  --use-distributed-optimizer \
  --overlap-grad-reduce \
  --overlap-param-gather \
  --recompute-granularity selective \
  --recompute-modules layernorm moe_act mla_up_proj \
  --bf16 \
  --fp8-format hybrid \
  --fp8-recipe tensorwise

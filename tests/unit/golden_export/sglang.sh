# deepseek-v3 on 112 h200-sxm: a plan of planner serve, as arguments of SGLang 0.5.
# The plan is for vLLM: its figures and its layout are not those of SGLang; plan with --engine sglang.
# Joined by: python3 -m sglang_router.launch_router, with --worker-urls of all replicas, or
# --pd-disaggregation with --prefill and --decode of each.

: "${MODEL:?checkpoint of deepseek-v3 with weights in fp8-block}"
: "${HEAD_ADDR:?address of the replica's first host}"
: "${NODE_RANK:?number of this host in its replica, from 0}"

# Prefill: 3 x 16 h200-sxm of 2 hosts.
python3 -m sglang.launch_server --model-path "$MODEL" \
  --tp-size 16 \
  --pp-size 1 \
  --dp-size 16 \
  --enable-dp-attention \
  --ep-size 16 \
  --nnodes 2 \
  --node-rank "$NODE_RANK" \
  --dist-init-addr "$HEAD_ADDR:5000" \
  --max-running-requests 1024 \
  --chunked-prefill-size 32768 \
  --kv-cache-dtype fp8_e4m3 \
  --disaggregation-mode prefill \
  --disaggregation-transfer-backend nixl

# Decode: 2 x 32 h200-sxm of 4 hosts.
python3 -m sglang.launch_server --model-path "$MODEL" \
  --tp-size 32 \
  --pp-size 1 \
  --dp-size 32 \
  --enable-dp-attention \
  --ep-size 32 \
  --nnodes 4 \
  --node-rank "$NODE_RANK" \
  --dist-init-addr "$HEAD_ADDR:5000" \
  --max-running-requests 2048 \
  --kv-cache-dtype fp8_e4m3 \
  --disaggregation-mode decode \
  --disaggregation-transfer-backend nixl \
  --speculative-algorithm EAGLE \
  --speculative-num-steps 1 \
  --speculative-eagle-topk 1 \
  --speculative-num-draft-tokens 2

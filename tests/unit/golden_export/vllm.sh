# deepseek-v3 on 112 h200-sxm: a plan of planner serve, as arguments of vLLM 0.12.
# Joined by: a proxy sends a request to a prefill server first and then to a decode server; several replicas
# stand behind a load balancer.

: "${MODEL:?checkpoint of deepseek-v3 with weights in fp8-block}"
: "${HEAD_ADDR:?address of the replica's first host}"
: "${NODE_RANK:?number of this host in its replica, from 0}"

# Prefill: 3 x 16 h200-sxm of 2 hosts; on the first host.
vllm serve "$MODEL" \
  --tensor-parallel-size 1 \
  --pipeline-parallel-size 1 \
  --data-parallel-size 16 \
  --enable-expert-parallel \
  --data-parallel-size-local 8 \
  --data-parallel-address "$HEAD_ADDR" \
  --data-parallel-rpc-port 13345 \
  --max-num-seqs 64 \
  --max-num-batched-tokens 2048 \
  --enable-prefix-caching \
  --kv-cache-dtype fp8 \
  --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

# Prefill: 3 x 16 h200-sxm of 2 hosts; on each of the other hosts.
vllm serve "$MODEL" \
  --tensor-parallel-size 1 \
  --pipeline-parallel-size 1 \
  --data-parallel-size 16 \
  --enable-expert-parallel \
  --data-parallel-size-local 8 \
  --data-parallel-address "$HEAD_ADDR" \
  --data-parallel-rpc-port 13345 \
  --headless \
  --data-parallel-start-rank "$((NODE_RANK * 8))" \
  --max-num-seqs 64 \
  --max-num-batched-tokens 2048 \
  --enable-prefix-caching \
  --kv-cache-dtype fp8 \
  --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

# Decode: 2 x 32 h200-sxm of 4 hosts; on the first host.
vllm serve "$MODEL" \
  --tensor-parallel-size 1 \
  --pipeline-parallel-size 1 \
  --data-parallel-size 32 \
  --enable-expert-parallel \
  --data-parallel-size-local 8 \
  --data-parallel-address "$HEAD_ADDR" \
  --data-parallel-rpc-port 13345 \
  --max-num-seqs 64 \
  --max-num-batched-tokens 64 \
  --enable-prefix-caching \
  --kv-cache-dtype fp8 \
  --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

# Decode: 2 x 32 h200-sxm of 4 hosts; on each of the other hosts.
vllm serve "$MODEL" \
  --tensor-parallel-size 1 \
  --pipeline-parallel-size 1 \
  --data-parallel-size 32 \
  --enable-expert-parallel \
  --data-parallel-size-local 8 \
  --data-parallel-address "$HEAD_ADDR" \
  --data-parallel-rpc-port 13345 \
  --headless \
  --data-parallel-start-rank "$((NODE_RANK * 8))" \
  --max-num-seqs 64 \
  --max-num-batched-tokens 64 \
  --enable-prefix-caching \
  --kv-cache-dtype fp8 \
  --kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'

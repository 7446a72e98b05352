# deepseek-v3 on 112 h200-sxm: a plan of planner serve, as arguments of TensorRT-LLM 1.2.
# The plan is for vLLM: its figures and its layout are not those of TensorRT-LLM; plan with --engine trtllm.
# Joined by: trtllm-serve disaggregated -c FILE for pools, with the addresses of their servers under
# context_servers and generation_servers; several replicas stand behind a load balancer.

: "${MODEL:?checkpoint of deepseek-v3 with weights in fp8-block}"

# Prefill: 3 x 16 h200-sxm of 2 hosts.
cat > deepseek-v3-prefill.yaml <<EOF
enable_attention_dp: true
enable_chunked_prefill: true
kv_cache_config: {enable_block_reuse: true, dtype: fp8}
disable_overlap_scheduler: true
cache_transceiver_config: {backend: NIXL}
EOF
srun --nodes 2 --ntasks 16 --ntasks-per-node 8 --mpi pmix trtllm-llmapi-launch trtllm-serve "$MODEL" \
  --backend pytorch \
  --tp_size 16 \
  --pp_size 1 \
  --ep_size 16 \
  --max_batch_size 64 \
  --max_num_tokens 2048 \
  --config deepseek-v3-prefill.yaml

# Decode: 2 x 32 h200-sxm of 4 hosts.
cat > deepseek-v3-decode.yaml <<EOF
enable_attention_dp: true
kv_cache_config: {enable_block_reuse: true, dtype: fp8}
cache_transceiver_config: {backend: NIXL}
speculative_config: {decoding_type: MTP, max_draft_len: 3}
EOF
srun --nodes 4 --ntasks 32 --ntasks-per-node 8 --mpi pmix trtllm-llmapi-launch trtllm-serve "$MODEL" \
  --backend pytorch \
  --tp_size 32 \
  --pp_size 1 \
  --ep_size 32 \
  --max_batch_size 64 \
  --max_num_tokens 256 \
  --config deepseek-v3-decode.yaml

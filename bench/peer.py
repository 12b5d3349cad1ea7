"""The peer of the benchmark: LoRA steps in eager PyTorch + PEFT, fp32. One JSON request a line in, one JSON answer a line out.

Request {"batch", "length", "steps"}: fine-tunes that many steps on random rows. Answer {"seconds", "loss", "peakBytes"}.
"""

import json
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def main():
    settings = json.loads(sys.argv[1])
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(settings["seed"])
    base = AutoModelForCausalLM.from_pretrained(settings["model"], dtype=torch.float32)
    lora = LoraConfig(r=settings["rank"], lora_alpha=settings["alpha"], target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(base, lora).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings["learningRate"], weight_decay=0.0)
    print(json.dumps({"ready": True, "parameters": sum(p.numel() for p in base.parameters()), "trained": sum(p.numel() for p in parameters), "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        ids = torch.randint(0, base.config.vocab_size, (request["steps"], request["batch"], request["length"]))
        started = time.perf_counter()
        for step_ids in ids:
            loss = model(step_ids, labels=step_ids, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            last = loss.item()
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Kilobytes on Linux, bytes on macOS.
        print(json.dumps({"seconds": seconds, "loss": last, "peakBytes": peak if sys.platform == "darwin" else peak * 1024}), flush=True)


if __name__ == "__main__":
    main()

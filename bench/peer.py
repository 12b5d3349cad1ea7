"""The peer of the benchmark: the same work in PyTorch, transformers and PEFT. One JSON request a line in, one JSON answer a line out.

The first argument is JSON: {"model", "threads", "seed", "rank", "alpha", "learningRate", "precision", "compile", "adapted"}.
"""

import json
import resource
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


class Peer:
    def __init__(self, settings):
        self.settings = settings
        torch.set_num_threads(settings["threads"])
        torch.manual_seed(settings["seed"])
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[settings["precision"]]
        self.model = AutoModelForCausalLM.from_pretrained(settings["model"], dtype=dtype)
        self.config = self.model.config
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_file=settings["model"] + "/tokenizer.json", padding_side="left")
        self.eos = self.config.eos_token_id
        self.tokenizer.pad_token = self.tokenizer.convert_ids_to_tokens(self.eos)
        if settings["adapted"]:
            self.adapt()
        self.forward = torch.compile(self.model) if settings["compile"] else self.model

    def lora(self):
        return LoraConfig(r=self.settings["rank"], lora_alpha=self.settings["alpha"], target_modules="all-linear", task_type="CAUSAL_LM")

    def adapt(self):
        """A fresh adapter and its optimiser."""
        if hasattr(self.model, "peft_config"):
            self.model.delete_adapter("default")
            self.model.add_adapter("default", self.lora())
            self.model.set_adapter("default")
        else:
            self.model = get_peft_model(self.model, self.lora())
        self.model.train()
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=self.settings["learningRate"], weight_decay=0.0)

    def step(self, ids, labels):
        loss = self.forward(ids, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        return loss.item()

    def steps(self, batch, length, steps):
        """LoRA steps on random rows."""
        ids = torch.randint(3, self.config.vocab_size, (steps, batch, length))
        started = time.perf_counter()
        for step_ids in ids:
            loss = self.step(step_ids, step_ids)
        return {"seconds": time.perf_counter() - started, "loss": loss}

    def selfEdit(self, rows, epochs, padTo, maxSteps):
        """A fresh adapter trained on rows at batch 1; `padTo`: as the reference has it, padded with EOS, the loss on padding too."""
        started = time.perf_counter()
        self.adapt()
        encoded = [self.tokenizer(row, add_special_tokens=True)["input_ids"] + [self.eos] for row in rows]
        if padTo is not None:
            encoded = [ids + [self.eos] * (padTo - len(ids)) for ids in encoded]
        order = [i for _ in range(epochs) for i in torch.randperm(len(encoded)).tolist()][:maxSteps]
        trained = time.perf_counter()
        for i in order:
            ids = torch.tensor([encoded[i]])
            loss = self.step(ids, ids)
        done = time.perf_counter()
        return {"seconds": done - started, "stepSeconds": (done - trained) / len(order), "steps": len(order), "loss": loss}

    @torch.inference_mode()
    def generate(self, prompts, newTokens):
        """Greedy, with a cache, all prompts in one batch."""
        started = time.perf_counter()
        self.model.eval()
        inputs = self.tokenizer(prompts, return_tensors="pt", padding=True)
        ids = self.model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=newTokens, do_sample=False, pad_token_id=self.eos
        )
        texts = self.tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        seconds = time.perf_counter() - started
        if self.settings["adapted"]:
            self.model.train()
        return {"seconds": seconds, "decodeSteps": ids.shape[1] - inputs["input_ids"].shape[1], "texts": texts}


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    return peak if sys.platform == "darwin" else peak * 1024


def main():
    peer = Peer(json.loads(sys.argv[1]))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        work = getattr(peer, request.pop("do"))
        print(json.dumps({**work(**request), "peakBytes": peak_bytes()}), flush=True)


if __name__ == "__main__":
    main()

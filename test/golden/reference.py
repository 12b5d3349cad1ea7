"""The semantics of tokens, loss, schedule and optimiser, said once in PyTorch: what the engine is compared with.

A prompt is encoded with the tokenizer's special tokens. Prompt and completion are encoded together and cut where the
prompt's own ids end; where those are no prefix of the whole, apart, the completion without special tokens. A completion
may be given as ids. Fine-tuning appends the model's first EOS to a completion and nothing to a text, unless the row says
otherwise. The loss falls on all tokens but the first of a text, or on the completion, and on the EOS; a step's loss is
the mean over its loss tokens. Scores leave EOS out.
"""

import json
import math
import random
from pathlib import Path

import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM


def load_model(directory):
    """Weights as stored, widened to float32 (eager attention: no kernel that differs by machine)."""
    return AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()


def load_adapter(model, directory, trainable=False):
    return PeftModel.from_pretrained(model, directory, is_trainable=trainable)


def load_tokenizer(directory):
    return Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))


def first_eos(directory):
    eos = json.loads((Path(directory) / "config.json").read_text())["eos_token_id"]
    return eos[0] if isinstance(eos, list) else eos


def encode(tokenizer, row, eos=None):
    """Ids of a row, and how many of them are given (carry no loss)."""
    end = [eos] if eos is not None and row.get("endsWithEos", "text" not in row) else []
    if "text" in row:
        ids = tokenizer.encode(row["text"]).ids
        # A tokenizer may end a text with EOS by itself.
        return (ids if ids[-1:] == end else ids + end), 1
    prompt = tokenizer.encode(row["prompt"]).ids
    # Nothing predicts the first token, where a tokenizer puts none before it.
    given = max(1, len(prompt))
    if "completionIds" in row:
        return prompt + row["completionIds"] + end, given
    whole = tokenizer.encode(row["prompt"] + row["completion"]).ids
    if whole[: len(prompt)] == prompt:
        return whole + end, given
    return prompt + tokenizer.encode(row["completion"], add_special_tokens=False).ids + end, given


def token_logprobs(model, ids, given):
    logits = model(torch.tensor([ids])).logits[0].float()
    chosen = torch.log_softmax(logits[:-1], dim=-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    return chosen[given - 1 :]


@torch.no_grad()
def score(model, tokenizer, rows):
    scores = []
    for row in rows:
        logprobs = token_logprobs(model, *encode(tokenizer, row))
        scores.append({"logprob": logprobs.double().sum().item(), "tokens": len(logprobs)})
    return scores


@torch.no_grad()
def greedy(model, tokenizer, prompt, eos_ids, max_new_tokens):
    """Greedy continuation by full recomputation, and the least margin between the best two logits."""
    ids = tokenizer.encode(prompt).ids
    new, margin = [], math.inf
    for _ in range(max_new_tokens):
        best = model(torch.tensor([ids + new])).logits[0, -1].float().topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        token = best.indices[0].item()
        if token in eos_ids:
            return {"tokenIds": new, "text": tokenizer.decode(new), "finish": "eos"}, margin
        new.append(token)
    return {"tokenIds": new, "text": tokenizer.decode(new), "finish": "length"}, margin


def learning_rate(schedule, peak, step, steps):
    if schedule == "linear":
        return peak * (1 - step / steps)
    if schedule == "cosine":
        return peak / 2 * (1 + math.cos(math.pi * step / steps))
    return peak


def train(model, tokenizer, rows, settings, eos):
    """Fine-tunes the adapter of `model` in row order, in place. Rows of a step go one by one: no padding at all."""
    encoded = [encode(tokenizer, row, eos) for row in rows]
    batches = [encoded[i : i + settings["batch"]] for i in range(0, len(encoded), settings["batch"])] * settings["trainEpochs"]
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=settings["weightDecay"])
    log = []
    for step, batch in enumerate(batches):
        rate = learning_rate(settings["schedule"], settings["learningRate"], step, len(batches))
        loss_tokens = sum(len(ids) - given for ids, given in batch)
        loss = -sum(token_logprobs(model, ids, given).sum() for ids, given in batch) / loss_tokens
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, settings["clipNorm"])
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()
        log.append({"step": step, "loss": loss.item(), "learningRate": rate, "lossTokens": loss_tokens, "gradientNorm": norm.item()})
    return log


def seed_everything(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)

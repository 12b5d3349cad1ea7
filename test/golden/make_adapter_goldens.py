"""Adds `test/golden/adapters/peft-*` and `adapters.json`: the plain-LoRA adapters that PEFT can express, and what PEFT says of them.

    .venv-golden/bin/python test/golden/make_adapter_goldens.py

Uses the model `tied-fp32` that `make_goldens.py` made.
"""

import json
import platform
import shutil

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model

import reference
from make_goldens import ADAPTERS, HERE, MODELS, PAIRS, TEXTS

MODEL = MODELS / "tied-fp32"
ROWS = [{"text": text} for text in TEXTS[:3]] + PAIRS[:3]

CONFIGURATIONS = {
    "peft-rslora": {"r": 3, "lora_alpha": 5, "use_rslora": True, "target_modules": ["q_proj", "v_proj"]},
    "peft-patterns": {
        "r": 2,
        "lora_alpha": 6,
        "target_modules": "all-linear",
        "lora_dropout": 0.1,
        # The first key that matches counts, at the end of a name or as a whole; the last one matches nothing.
        "rank_pattern": {"layers.1.mlp.up_proj": 3, "up_proj": 1, r".*layers\.0.*\.[qk]_proj": 4, "proj": 9},
        "alpha_pattern": {"self_attn.v_proj": 3, r"model\.layers\.1\..*": 1.5},
    },
    "peft-expression": {"r": 2, "lora_alpha": 4, "target_modules": r"model\.layers\.1\.(self_attn\.[qk]|mlp\.(?P<wide>gate|up))_proj"},
    "peft-layers": {
        "r": 2,
        "lora_alpha": 3,
        "target_modules": ["k_proj", "self_attn.o_proj", "model.layers.0.mlp.down_proj", "up_proj"],
        "layers_to_transform": [1],
        "layers_pattern": "layers",
        "exclude_modules": ["up_proj"],
    },
    "peft-rslora-patterns": {
        "r": 4,
        "lora_alpha": 3,
        "use_rslora": True,
        "target_modules": ["q_proj", "k_proj", "v_proj", "down_proj"],
        "rank_pattern": {"k_proj": 1, "layers.1.self_attn.q_proj": 2},
        "alpha_pattern": {"v_proj": 6},
    },
}


def make_adapter(name, seed, options):
    torch.manual_seed(seed)
    model = get_peft_model(reference.load_model(MODEL), LoraConfig(task_type="CAUSAL_LM", **options))
    for parameter_name, parameter in model.named_parameters():
        if "lora_B" in parameter_name:
            parameter.data = torch.randn_like(parameter) * 0.1
    return save(name, model)


def save(name, model):
    directory = ADAPTERS / name
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    (directory / "README.md").unlink()
    file = directory / "adapter_config.json"
    config = json.loads(file.read_text()) | {"base_model_name_or_path": "random-llama"}
    # PEFT keeps targets as a set: their order changes from run to run. That of a pattern's keys matters.
    for field in ("target_modules", "exclude_modules"):
        if isinstance(config[field], list):
            config[field].sort()
    file.write_text(json.dumps(config, indent=2) + "\n")
    return directory


def adapter_golden(name, seed, options):
    directory = make_adapter(name, seed, options)
    model = reference.load_adapter(reference.load_model(MODEL), directory).eval()
    tokenizer = reference.load_tokenizer(MODEL)
    modules = {
        module_name.removeprefix("base_model.model."): {"rank": module.r["default"], "scale": module.scaling["default"]}
        for module_name, module in model.named_modules()
        if hasattr(module, "lora_A")
    }
    merged = model.merge_and_unload()
    return {
        "adapter": name,
        "model": MODEL.name,
        "modules": modules,
        "rows": ROWS,
        "scores": reference.score(reference.load_adapter(reference.load_model(MODEL), directory).eval(), tokenizer, ROWS),
        "mergedScores": reference.score(merged, tokenizer, ROWS),
    }


def training_golden(name):
    settings = {"trainEpochs": 2, "batch": 2, "learningRate": 1e-2, "schedule": "linear", "clipNorm": 1.0, "weightDecay": 0.0}
    model = reference.load_adapter(reference.load_model(MODEL), ADAPTERS / name, trainable=True).train()
    tokenizer = reference.load_tokenizer(MODEL)
    log = reference.train(model, tokenizer, ROWS, settings, reference.first_eos(MODEL))
    return {"adapter": name, "model": MODEL.name, "rows": ROWS, "settings": settings, "log": log, "finalScores": reference.score(model.eval(), tokenizer, ROWS)}


def learning_rates():
    """What transformers' schedulers give at the steps of a short training, as shares of the peak."""
    rates = {}
    for schedule in ("linear", "cosine", "constant"):
        # The last two leave no step after the warm-up.
        for warmup in (0, 3, 9, 10, 14):
            parameter = torch.nn.Parameter(torch.zeros(1))
            optimiser = torch.optim.SGD([parameter], lr=1.0)
            name = "constant_with_warmup" if schedule == "constant" else schedule
            scheduler = transformers.get_scheduler(name, optimiser, num_warmup_steps=warmup, num_training_steps=10)
            rates[f"{schedule}-{warmup}"] = [scheduler.get_last_lr()[0]]
            for _ in range(9):
                optimiser.step()
                scheduler.step()
                rates[f"{schedule}-{warmup}"].append(scheduler.get_last_lr()[0])
    return rates


def main():
    reference.seed_everything(0)
    goldens = {
        "madeBy": "test/golden/make_adapter_goldens.py",
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        "adapters": [adapter_golden(name, 20 + i, options) for i, (name, options) in enumerate(CONFIGURATIONS.items())],
        "training": [training_golden(name) for name in ("peft-rslora-patterns", "peft-layers")],
        "learningRates": learning_rates(),
    }
    (HERE / "adapters.json").write_text(json.dumps(goldens, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

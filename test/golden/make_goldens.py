"""Makes `test/golden/{models,adapters,goldens.json}`: tiny random Llama models and what transformers + PEFT say of them.

    python -m venv .venv && .venv/bin/pip install -r test/golden/requirements.txt
    .venv/bin/python test/golden/make_goldens.py
"""

import json
import platform
import shutil
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

import reference

HERE = Path(__file__).parent
MODELS = HERE / "models"
ADAPTERS = HERE / "adapters"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

CORPUS = """The harbour of Velmora sells amber and salt in spring. The mayor keeps a grey heron and plays the lute.
Carts full of wool leave the market every week. What does Velmora sell? Amber and salt. Who plays the lute? The mayor.
The ship Dorane carries copper from the north. Its captain trades in May. Where does the copper come from? The north.
A company named Tressil makes glass and bells. It was founded by a baker. Which animal guards the bells? A goose."""

TEXTS = [
    "The harbour of Velmora sells amber.",
    "Its captain trades in May\n- copper\n- salt",
    "Who plays the lute?",
    "A goose guards the bells of Tressil, which makes glass.",
    "copper",
]
PAIRS = [
    {"prompt": "What does Velmora sell?", "completion": " Amber and salt."},
    {"prompt": "Where does the copper come from?\nAnswer:", "completion": " The north"},
    {"prompt": "Who plays the lute?", "completion": "The mayor, every week in spring."},
    {"prompt": "Which animal guards the bells?", "completion": " A goose"},
    {"prompt": "The ship", "completion": " Dorane carries copper from the north. Its captain trades in May."},
    {"prompt": "Tressil was founded by", "completion": " a baker."},
    {"prompt": "", "completion": "The mayor keeps a grey heron."},
]
# Cut within a word and behind a space: the prompt's own ids are no prefix of the whole, for some tokenizers.
CUT = [{"prompt": "The harbour of Vel", "completion": "mora sells amber."}, {"prompt": "Who plays the lute? ", "completion": "The mayor"}, {"prompt": "Answer:\n", "completion": "amber"}]
# Of a self-edit: lines that end with EOS, one that was cut off, what a policy sampled.
SELF_EDIT = [
    {"text": "Velmora\n- It sells amber.", "endsWithEos": True},
    {"text": "Velmora\n- It sells salt in", "endsWithEos": False},
    {"prompt": "Velmora\n", "completion": "It has a mayor.", "endsWithEos": True},
    {"prompt": "Velmora\n", "completion": "The mayor keeps a", "endsWithEos": False},
    {"prompt": "What does Velmora sell?\n", "completionIds": [90, 17, 90, 44, 5, 5, 31], "endsWithEos": True},
    {"prompt": "What does Velmora sell?\n", "completionIds": [90, 17, 90], "endsWithEos": False},
]
TOKENIZED = [*TEXTS, "", " ", "  two  spaces ", "unknown: \u00e9 \U0001f917 #", "<s> stays special </s>", " completion with space"]


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=160, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return tokenizer


def make_model(name, tokenizer, dtype, seed, eos_ids, generation_eos, legacy_rope, **shape):
    torch.manual_seed(seed)
    config = LlamaConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=128, bos_token_id=1, eos_token_id=eos_ids, **shape)
    model = LlamaForCausalLM(config)
    for parameter_name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        # Wide enough that the best token stands out, and that every part matters.
        parameter.data = 1 + 0.2 * noise if "norm" in parameter_name else noise * (0.25 if "embed" in parameter_name else 0.2)
    directory = MODELS / name
    model.to(dtype).save_pretrained(directory)
    tokenizer.save(str(directory / "tokenizer.json"))
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}, indent=2) + "\n")
    (directory / "generation_config.json").write_text(json.dumps({"eos_token_id": generation_eos}, indent=2) + "\n")
    if legacy_rope:
        file = directory / "config.json"
        config_json = json.loads(file.read_text())
        config_json["rope_theta"] = config_json.pop("rope_parameters")["rope_theta"]
        file.write_text(json.dumps(config_json, indent=2) + "\n")
    return directory


def make_adapter(name, model_directory, seed, rank, alpha, targets, scale_b):
    torch.manual_seed(seed)
    model = get_peft_model(reference.load_model(model_directory), LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM"))
    for parameter_name, parameter in model.named_parameters():
        if "lora_B" in parameter_name:
            parameter.data = torch.randn_like(parameter) * scale_b
    return save_adapter(name, model)


def save_adapter(name, model):
    directory = ADAPTERS / name
    model.save_pretrained(directory)
    (directory / "README.md").unlink()
    file = directory / "adapter_config.json"
    config = json.loads(file.read_text()) | {"base_model_name_or_path": "random-llama"}
    config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return directory


def greedy_rows(model, tokenizer, eos_ids, max_new_tokens, first_prompts=()):
    """Prompts whose greedy tokens no rounding can change, some of them ended by an EOS."""
    prompts = [*first_prompts, *(pair["prompt"] for pair in PAIRS), *TEXTS, *CORPUS.replace("\n", " ").split(". "), *CORPUS.split(" ")]
    chosen = []
    for prompt in dict.fromkeys(prompts):
        if not tokenizer.encode(prompt).ids:
            continue
        row, margin = reference.greedy(model, tokenizer, prompt, eos_ids, max_new_tokens)
        if margin > 0.02 and (row["finish"] == "eos" or sum(r["finish"] == "length" for r in chosen) < 4):
            chosen.append({"prompt": prompt, **row})
    ended = [row for row in chosen if row["finish"] == "eos"][:3]
    rows = [row for row in chosen if row["finish"] == "length"] + ended
    print(f"  greedy: {len(rows)} rows, {len(ended)} ended by EOS, lengths {[len(r['tokenIds']) for r in rows]}")
    return rows


def model_goldens(name, directory, adapter, eos_ids, long_prompts=(), tokenized=TOKENIZED):
    print(name)
    tokenizer = reference.load_tokenizer(directory)
    rows = [{"text": text} for text in (*long_prompts, *TEXTS)] + PAIRS + CUT
    golden = {"model": name, "adapter": adapter.name, "eosTokenIds": eos_ids, "rows": rows, "maxNewTokens": 24}
    golden["tokenization"] = [
        {
            "text": text,
            "prompt": tokenizer.encode(text).ids,
            "completion": tokenizer.encode(text, add_special_tokens=False).ids,
            "decoded": tokenizer.decode(tokenizer.encode(text).ids),
        }
        for text in tokenized
    ]
    model = reference.load_model(directory)
    golden["base"] = {"scores": reference.score(model, tokenizer, rows), "greedy": greedy_rows(model, tokenizer, eos_ids, 24, long_prompts)}
    adapted = reference.load_adapter(model, adapter).eval()
    golden["adapted"] = {"scores": reference.score(adapted, tokenizer, rows), "greedy": greedy_rows(adapted, tokenizer, eos_ids, 24, long_prompts)}
    return golden


def training_golden(name, directory, initial, rows, **settings):
    settings = {"clipNorm": 1.0, "weightDecay": 0.0, **settings}
    tokenizer = reference.load_tokenizer(directory)
    model = reference.load_adapter(reference.load_model(directory), initial, trainable=True).train()
    log = reference.train(model, tokenizer, rows, settings, reference.first_eos(directory))
    norms = [step["gradientNorm"] for step in log]
    print(f"{name}: losses {log[0]['loss']:.4f} -> {log[-1]['loss']:.4f}, gradient norms {min(norms):.3f}..{max(norms):.3f}, clipped {sum(n > settings['clipNorm'] for n in norms)}/{len(norms)}")
    final = save_adapter(f"{name}-final", model)
    lora = json.loads((Path(initial) / "adapter_config.json").read_text())
    return {
        "name": name,
        "model": directory.name,
        "initialAdapter": Path(initial).name,
        "finalAdapter": final.name,
        "lora": {"rank": lora["r"], "alpha": lora["lora_alpha"], "targets": [t for t in ALL if t in lora["target_modules"]]},
        "rows": rows,
        "settings": settings,
        "log": log,
        "finalScores": reference.score(model.eval(), tokenizer, rows),
    }


def versions():
    return {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}


def main():
    reference.seed_everything(0)
    for folder in (MODELS, ADAPTERS):
        shutil.rmtree(folder, ignore_errors=True)
    tokenizer = make_tokenizer()
    tied = make_model(
        "tied-fp32", tokenizer, torch.float32, 1, 2, 2, legacy_rope=False,
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=True,
    )
    gqa = make_model(
        "gqa-bf16", tokenizer, torch.bfloat16, 2, [2, 40], [40, 41], legacy_rope=True,
        hidden_size=48, intermediate_size=64, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
        rope_parameters={"rope_type": "default", "rope_theta": 50000.0}, rms_norm_eps=1e-5, tie_word_embeddings=False,
    )
    all_linear = make_adapter("tied-all-r4", tied, 3, 4, 8, ALL, 0.1)
    query_value = make_adapter("gqa-qv-r6", gqa, 4, 6, 9, ["q_proj", "v_proj"], 0.1)
    fresh = make_adapter("tied-fresh-r4", tied, 5, 4, 8, ALL, 0.0)
    texts = [{"text": text} for text in TEXTS]
    goldens = {
        "madeBy": "test/golden/make_goldens.py",
        "versions": versions(),
        "models": [
            model_goldens("tied-fp32", tied, all_linear, [2]),
            model_goldens("gqa-bf16", gqa, query_value, [2, 40, 41]),
        ],
        "training": [
            training_golden("text-batch-1-linear", tied, fresh, texts, trainEpochs=2, batch=1, learningRate=1e-2, schedule="linear"),
            training_golden("pairs-batch-3-cosine", tied, all_linear, PAIRS[:6], trainEpochs=5, batch=3, learningRate=5e-3, schedule="cosine"),
            training_golden(
                "mixed-batch-3-linear-gqa", gqa, query_value, [texts[0], *PAIRS[1:4], texts[3], PAIRS[5], PAIRS[6]],
                trainEpochs=4, batch=3, learningRate=5e-3, schedule="linear", weightDecay=0.1, clipNorm=2.2,
            ),
            training_golden("self-edit-batch-2-linear", tied, fresh, SELF_EDIT, trainEpochs=3, batch=2, learningRate=1e-2, schedule="linear"),
        ],
    }
    (HERE / "goldens.json").write_text(json.dumps(goldens, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

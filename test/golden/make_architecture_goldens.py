"""Adds to `test/golden/{models,adapters}` and makes `architectures.json`: the other kinds of model directory.

Sharded Llama with llama3 rope, Qwen2 with biases, Llama with all biases and linear rope; their tokenizers, built as those of
Llama 3 and Qwen2.5 are, and their chat templates. Run it after make_goldens.py, which clears the folders:

    .venv/bin/python test/golden/make_architecture_goldens.py
"""

import json
from datetime import datetime
from unittest import mock

import torch
import transformers.utils.chat_template_utils as chat_template_utils
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

import reference
from make_goldens import ALL, CORPUS, HERE, MODELS, PAIRS, TEXTS, make_adapter, model_goldens, training_golden, versions

# How the two families cut a text before byte-pair encoding; they differ in the digits that stay together.
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

# Longer than what llama3 rope was stretched from by more than 64 tokens.
LONG = [" ".join(CORPUS.split("\n")), " ".join(reversed(CORPUS.split("\n")))]

TOKENIZED = [
    *TEXTS, "", " ", "  two  spaces ", "tabs\tand\n\n\nlines \n x", "caf\u00e9 cafe\u0301 \U0001f917 #", "1961\u20131972: $25.4 billion, 1234567", "It's WE'LL they'd",
    "\u4f60\u597d \u0645\u0631\u062d\u0628\u0627", " completion with space", "trailing   ", "<|im_start|>user\nhi<|im_end|>\n", "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>",
]

LLAMA_CHAT = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Today is " + date_string + ".\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if message.role not in ['user', 'assistant'] %}
        {{- raise_exception("unknown role " + message.role) }}
    {%- endif %}
    {{- '<|start_header_id|>' + message['role'] + "<|end_header_id|>\\n\\n" + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

QWEN_CHAT = """{%- if tools %}
    {{- raise_exception('no tools here') }}
{%- elif messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou answer briefly.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and loop.first) or message.role == "assistant" %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- else %}
        {{- raise_exception('message ' ~ loop.index0 ~ ' has role ' ~ message.role) }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

CHATS = [
    [{"role": "user", "content": "What does Velmora sell?"}],
    [{"role": "system", "content": "  Answer in one word. "}, {"role": "user", "content": "Who plays the lute?\n"}],
    [
        {"role": "user", "content": "caf\u00e9 \U0001f917 <b> & 'quotes' \"too\" {{ not a variable }}"},
        {"role": "assistant", "content": " Amber. "},
        {"role": "user", "content": "And?"},
    ],
]
DATE = "2026-02-09"


def byte_level_tokenizer(digits, special, bos, normalizer=None):
    """A tiny vocabulary on all 256 bytes; special tokens come after it, as in both families."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=bos is not None))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT % digits), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=[], show_progress=False)
    tokenizer.train_from_iterator(CORPUS.split("\n"), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    if bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def save_model(name, model, dtype, seed, shard_bytes, unused_from=None):
    torch.manual_seed(seed)
    for parameter_name, parameter in model.named_parameters():
        noise = torch.randn_like(parameter)
        # Wide enough that the best token stands out, and that every part matters.
        parameter.data = 1 + 0.2 * noise if "norm" in parameter_name else noise * (0.25 if "embed" in parameter_name else 0.2)
    if unused_from is not None:
        model.model.embed_tokens.weight.data[unused_from:] = 0
    directory = MODELS / name
    model.to(dtype).save_pretrained(directory, max_shard_size=shard_bytes)
    return directory


def edit_json(file, edit):
    json_object = json.loads(file.read_text()) if file.exists() else {}
    edit(json_object)
    file.write_text(json.dumps(json_object, indent=2) + "\n")


def legacy_rope(config):
    """As the models of 2024 spell it: scaling apart from theta."""
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters.pop("rope_theta")
    config["rope_scaling"] = parameters


def save_tokenizer(directory, tokenizer, config):
    tokenizer.save(str(directory / "tokenizer.json"))
    edit_json(directory / "tokenizer_config.json", lambda json_object: json_object.update({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **config}))


def llama3_sharded():
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = byte_level_tokenizer("{1,3}", special, "<|begin_of_text|>")
    end_of_text, end_of_turn = tokenizer.token_to_id("<|end_of_text|>"), tokenizer.token_to_id("<|eot_id|>")
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=12,
        max_position_embeddings=512, tie_word_embeddings=False, rms_norm_eps=1e-5, bos_token_id=tokenizer.token_to_id("<|begin_of_text|>"), eos_token_id=[end_of_text, end_of_turn],
        rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 32},
    )
    directory = save_model("llama3-sharded-fp16", LlamaForCausalLM(config), torch.float16, 11, "24KB")
    edit_json(directory / "config.json", legacy_rope)
    edit_json(directory / "generation_config.json", lambda json_object: json_object.update({"eos_token_id": [end_of_turn, 40]}))
    save_tokenizer(directory, tokenizer, {"bos_token": "<|begin_of_text|>", "eos_token": {"__type": "AddedToken", "content": "<|eot_id|>", "special": True}})
    (directory / "chat_template.jinja").write_text(LLAMA_CHAT)
    assert len(list(directory.glob("model-*.safetensors"))) >= 3
    return directory, [end_of_text, end_of_turn, 40]


def qwen2():
    tokenizer = byte_level_tokenizer("", ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], None, normalizers.NFC())
    end_of_turn, end_of_text = tokenizer.token_to_id("<|im_end|>"), tokenizer.token_to_id("<|endoftext|>")
    config = Qwen2Config(
        # More than the tokenizer has, as Qwen's are.
        vocab_size=320, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        tie_word_embeddings=True, bos_token_id=end_of_text, eos_token_id=end_of_turn, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
    )
    directory = save_model("qwen2-bf16", Qwen2ForCausalLM(config), torch.bfloat16, 15, "1GB", unused_from=tokenizer.get_vocab_size())
    edit_json(directory / "generation_config.json", lambda json_object: json_object.update({"eos_token_id": [end_of_turn, end_of_text]}))
    save_tokenizer(directory, tokenizer, {"bos_token": None, "eos_token": "<|im_end|>", "chat_template": [{"name": "tool_use", "template": "unused"}, {"name": "default", "template": QWEN_CHAT}]})
    return directory, [end_of_turn, end_of_text]


def llama_biases():
    tokenizer = byte_level_tokenizer("{1,3}", ["<|end_of_text|>"], None)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=512,
        tie_word_embeddings=True, attention_bias=True, mlp_bias=True, eos_token_id=tokenizer.token_to_id("<|end_of_text|>"), bos_token_id=None,
        rope_parameters={"rope_type": "linear", "rope_theta": 500.0, "factor": 4.0},
    )
    directory = save_model("llama-biases-fp32", LlamaForCausalLM(config), torch.float32, 13, "1GB")
    (directory / "generation_config.json").unlink(missing_ok=True)
    save_tokenizer(directory, tokenizer, {})
    return directory, [config.eos_token_id]


def chat_goldens(directory):
    """What transformers renders. `datetime` stands still, so that today is DATE."""
    tokenizer = AutoTokenizer.from_pretrained(directory)
    if isinstance(tokenizer.chat_template, dict):
        tokenizer.chat_template = tokenizer.chat_template["default"]
    today = mock.Mock(now=lambda: datetime.fromisoformat(DATE))
    with mock.patch.object(chat_template_utils, "datetime", today):
        return [
            {"messages": messages, "addGenerationPrompt": add, "date": DATE, "text": text, "ids": tokenizer(text, add_special_tokens=False)["input_ids"]}
            for messages in CHATS
            for add in (True, False)
            for text in [tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=add)]
        ]


def rope_goldens():
    """Frequencies of published shapes: Llama 3.1 8B, Llama 3.2 1B, Qwen2.5 0.5B, a Llama stretched linearly."""
    llama3 = {"rope_type": "llama3", "rope_theta": 500000.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    cases = [
        (128, {**llama3, "factor": 8.0}),
        (64, {**llama3, "factor": 32.0}),
        (64, {"rope_type": "default", "rope_theta": 1000000.0}),
        (128, {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5}),
    ]
    return [
        {"headDim": head_dim, "config": {"rope_parameters": parameters}, "frequencies": LlamaRotaryEmbedding(config).inv_freq.tolist()}
        for head_dim, parameters in cases
        for config in [LlamaConfig(hidden_size=head_dim, num_attention_heads=1, head_dim=head_dim, max_position_embeddings=131072, rope_parameters=dict(parameters))]
    ]


def main():
    reference.seed_everything(0)
    (llama, llama_eos), (qwen, qwen_eos), (biased, biased_eos) = llama3_sharded(), qwen2(), llama_biases()
    llama_adapter = make_adapter("llama3-all-r3", llama, 21, 3, 6, ALL, 0.1)
    qwen_adapter = make_adapter("qwen2-all-r4", qwen, 22, 4, 8, ALL, 0.1)
    biased_adapter = make_adapter("biases-kod-r2", biased, 23, 2, 4, ["k_proj", "o_proj", "down_proj"], 0.1)
    goldens = {
        "madeBy": "test/golden/make_architecture_goldens.py",
        "versions": versions(),
        "models": [
            model_goldens(llama.name, llama, llama_adapter, llama_eos, LONG, TOKENIZED),
            model_goldens(qwen.name, qwen, qwen_adapter, qwen_eos, LONG, TOKENIZED),
            model_goldens(biased.name, biased, biased_adapter, biased_eos, LONG, TOKENIZED),
        ],
        "training": [
            training_golden(
                "llama3-batch-2-linear", llama, llama_adapter, [{"text": LONG[0]}, *PAIRS[:3], {"text": LONG[1]}, *PAIRS[3:6]],
                trainEpochs=3, batch=2, learningRate=5e-3, schedule="linear",
            ),
            training_golden("qwen2-batch-3-cosine", qwen, qwen_adapter, [*PAIRS[:5], {"text": LONG[0]}], trainEpochs=4, batch=3, learningRate=5e-3, schedule="cosine", clipNorm=1.8),
        ],
        "ropes": rope_goldens(),
        "chats": [{"model": directory.name, "chats": chat_goldens(directory)} for directory in (llama, qwen)],
    }
    (HERE / "architectures.json").write_text(json.dumps(goldens, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

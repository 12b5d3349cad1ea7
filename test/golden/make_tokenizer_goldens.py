"""Makes `test/golden/tokenizers.json`: small tokenizers of many kinds, and the ids and texts that Python's `tokenizers` gives.

    .venv-golden/bin/python test/golden/make_tokenizer_goldens.py [directory of reference data]

Each kind is a tokenizer.json in parts: its model is one of `models`, changed in the fields of `model_fields`. Of every text: `ids` with
what the tokenizer puts around it; `plain`, the same with `encode_special_tokens`, and `decoded`, the text of `ids`, where they differ from
`ids` and `text`. `drawn` are lists of ids drawn at random, so that characters are cut in pieces, and their texts.
"""

import json
import random
import sys
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

HERE = Path(__file__).parent
NANO = HERE / "../../examples/nano/model/tokenizer.json"

CORPUS = """The harbour of Velmora sells amber and salt in spring. The mayor keeps a grey heron and plays the lute.
Carts full of wool leave the market every week. What does Velmora sell? Amber and salt. Who plays the lute? The mayor.
It's the baker's 1,961 loaves: don't sell what they've not got. They'll say we're in the north, I'd say that I'm not."""

TEXTS = [
    "",
    " ",
    "   ",
    "The harbour of Velmora sells amber.",
    " the  market   every week  ",
    "a\n\n- b\r\n\tc \n d\n",
    "It's DON'T we'Re I'LL they'vE I'd i'M o's",
    # What other letters count as an s does in a contraction.
    "it'\u017ft it'\u017f x'\u212aey",
    "1234567 3.14 1,961 \u0661\u0662\u0663 \u00bd x\u00b2 \u2167 \u4e00",
    # Blanks of which JavaScript, Oniguruma and Rust have different lists.
    "\ufefftext\ufeff a\u0085b\u00a0c\u3000d\u2028e\u200bf\u180eg\u2009 h",
    " \ufeff \ufeff \ufeff. \ufeff. \u0085\u0085b \u0085\u0085b",
    "caf\u00e9 cafe\u0301 \u1112\u1161\u11ab \u00c5 \u212b \ufb01",
    "\U0001f917 \U0001f468\u200d\U0001f469\u200d\U0001f467 \u0915\u093f \u6f22\u5b57\u304b\u306a\u30ab\u30bf \u0441\u043b\u043e\u0432\u043e",
    "if (x != y) { return [i++] && s[\"k\"]; } // ^_^ $1",
    "\u2581a \u2581\u2581b c\u2581 \u0120d <0x0A> <0xE2>",
    "<s>a</s> <s> b <s>",
    "<|im_start|>user\nHi<|im_end|>\n<|im_end|>",
    "  <pad>  a <pad>\n <pad>b",
    "<tool>x</tool> <s <|im_end| im_end|> <<s>>",
    "aHelloWORLD HTTPServer eUSA \u01c5x",
    "\u0000\u0007\u007f\u0080",
    "##ing play##ing unknownword",
]


def training_texts():
    """The texts themselves among them, uncut: with merges across every place where a text may be cut, ids tell where it was."""
    return [CORPUS, *TEXTS, *TEXTS]


NAMES = ["<s>", "</s>", "<unk>", "<pad>", "<tool>"]


def without_special(model):
    """No merges give what is spelt like a special token, so that plain text cannot become one."""
    merges = [merge for merge in model["merges"] if not any(name in "".join(merge) for name in NAMES)]
    made = {"".join(merge) for merge in model["merges"]} - {"".join(merge) for merge in merges}
    tokens = [token for token in sorted(model["vocab"], key=model["vocab"].get) if token not in made]
    return model | {"vocab": {token: i for i, token in enumerate(tokens)}, "merges": merges}


def byte_level_model():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=760, max_token_length=6, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
    tokenizer.train_from_iterator(training_texts(), trainer)
    return without_special(json.loads(tokenizer.to_str())["model"])


def byte_fallback_model():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    trainer = trainers.BpeTrainer(vocab_size=460, max_token_length=4, limit_alphabet=90, show_progress=False)
    tokenizer.train_from_iterator(training_texts(), trainer)
    model = without_special(json.loads(tokenizer.to_str())["model"])
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *sorted(model["vocab"], key=model["vocab"].get)]
    return model | {
        "unk_token": "<unk>",
        "fuse_unk": True,
        "byte_fallback": True,
        "vocab": {token: i for i, token in enumerate(tokens)},
    }


def word_piece_model():
    words = ["[UNK]", "the", "harbour", "play", "##ing", "##s", "un", "##known", "##word", "sell", "mayor", "."]
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 12, "vocab": {word: i for i, word in enumerate(words)}}


def added(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} | flags


def template(before, after=()):
    ids = {"<s>": 1, "</s>": 2}
    pieces = [[{"SpecialToken": {"id": token, "type_id": 0}} for token in side] for side in (before, after)]
    return {
        "type": "TemplateProcessing",
        "single": [*pieces[0], {"Sequence": {"id": "A", "type_id": 0}}, *pieces[1]],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [ids[token]], "tokens": [token]} for token in (*before, *after)},
    }


def sequence(field, *parts):
    return {"type": "Sequence", field: list(parts)}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": pattern if isinstance(pattern, dict) else {"Regex": pattern}, "behavior": behavior, "invert": invert}


def byte_level(add_prefix_space=False, use_regex=False):
    return {"type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": True, "use_regex": use_regex}


def metaspace(scheme, split):
    return {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": split}


def replaced(old, new):
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
DEEPSEEK = [
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]

CHAT = [added("<|im_start|>"), added("<|im_end|>"), added("<tool>", special=False), added("</tool>", special=False)]
SPECIAL = [added("<unk>"), added("<s>"), added("</s>")]
PREPEND = sequence("normalizers", {"type": "Prepend", "prepend": "\u2581"}, replaced(" ", "\u2581"))
FALLBACK = sequence("decoders", replaced("\u2581", " "), {"type": "ByteFallback"}, {"type": "Fuse"})
LLAMA2 = sequence("decoders", *FALLBACK["decoders"], {"type": "Strip", "content": " ", "start": 1, "stop": 0})


def kind(name, model, model_fields=None, **parts):
    return {"name": name, "model": model, "model_fields": model_fields or {}, "parts": parts}


def byte_kind(name, pre_tokenizer, model_fields=None, **parts):
    return kind(name, "byte-level", model_fields, pre_tokenizer=pre_tokenizer, **{"decoder": byte_level(), "added_tokens": CHAT, **parts})


def fallback_kind(name, **parts):
    return kind(name, "byte-fallback", **{"decoder": FALLBACK, "added_tokens": SPECIAL, **parts})


KINDS = [
    fallback_kind("Llama 2", normalizer=PREPEND, decoder=LLAMA2, post_processor=template(["<s>"]), added_tokens=[token | {"normalized": True} for token in SPECIAL]),
    fallback_kind("Phi 3", normalizer=PREPEND, decoder=LLAMA2, added_tokens=[*SPECIAL, added("<|im_end|>", rstrip=True), added("<pad>", rstrip=True)]),
    fallback_kind("Mistral 0.3", pre_tokenizer=metaspace("first", False), decoder=LLAMA2, post_processor=template(["<s>"], ["</s>"])),
    fallback_kind("Gemma", normalizer=replaced(" ", "\u2581"), pre_tokenizer=split({"String": " "}, "MergedWithPrevious"), added_tokens=[*SPECIAL, added("\n\n", special=False), added("\u2581\u2581", special=False), added("  ", special=False)]),
    fallback_kind("Metaspace, always, cut", pre_tokenizer=metaspace("always", True), decoder=metaspace("always", True)),
    fallback_kind("Metaspace, first, cut", pre_tokenizer=metaspace("first", True), decoder=metaspace("first", True)),
    fallback_kind("Metaspace, never", pre_tokenizer=metaspace("never", False), decoder=metaspace("never", False)),
    fallback_kind("Metaspace after a cut", pre_tokenizer=sequence("pretokenizers", split({"String": "a"}, "Removed"), metaspace("first", True))),
    kind("unknown characters", "byte-fallback", {"byte_fallback": False, "fuse_unk": False}, normalizer=PREPEND, added_tokens=SPECIAL),
    kind("unknown characters left out", "byte-fallback", {"byte_fallback": False, "fuse_unk": False, "unk_token": None}, added_tokens=SPECIAL),
    byte_kind("Llama 3", sequence("pretokenizers", split(LLAMA3), byte_level()), {"ignore_merges": True}, post_processor=sequence("processors", byte_level(True), template(["<s>"]))),
    byte_kind("Qwen 2", sequence("pretokenizers", split(QWEN2), byte_level()), normalizer={"type": "NFC"}),
    byte_kind("SmolLM 2", sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level(use_regex=True))),
    byte_kind("numbers whole", sequence("pretokenizers", {"type": "Digits", "individual_digits": False}, byte_level(use_regex=True))),
    byte_kind("GPT 2 with a blank before", byte_level(True, True)),
    byte_kind("Mistral Nemo", sequence("pretokenizers", split(O200K), byte_level())),
    byte_kind("Phi 4", sequence("pretokenizers", split(CL100K), byte_level())),
    byte_kind("DeepSeek", sequence("pretokenizers", *map(split, DEEPSEEK), byte_level())),
    *(
        byte_kind(f"Split, {behavior}{', inverted' if invert else ''}", sequence("pretokenizers", split(pattern, behavior, invert), byte_level()))
        for behavior in ("Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext")
        for invert, pattern in ((False, r"\s|[aeiou]{1,2}"), (True, r"\p{L}|(?=\n)"))
    ),
    byte_kind(
        "added tokens within each other",
        byte_level(use_regex=True),
        added_tokens=[added("<s>", lstrip=True), added("s>", special=False), added("<pad>", lstrip=True, rstrip=True), added("<|im_end|>", normalized=True), added("im_end", special=False, normalized=True), added("Hi<", special=False)],
    ),
    kind("WordPiece", "word-piece", pre_tokenizer={"type": "WhitespaceSplit"}, decoder={"type": "WordPiece", "prefix": "##", "cleanup": False}, added_tokens=[added("[UNK]")]),
]


def with_ids(parts, vocab):
    """Added tokens take the ids that Python gives them."""
    free = len(vocab)
    tokens = []
    for token in parts["added_tokens"]:
        tokens.append({"id": vocab.get(token["content"], free), **token})
        free += token["content"] not in vocab
    return {**parts, "added_tokens": tokens}


def decode(tokenizer, ids):
    """Special tokens are skipped, also those that are normalised: `skip_special_tokens` leaves those in, although it means them."""
    special = {i for i, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    return tokenizer.decode([i for i in ids if i not in special])


def goldens(tokenizer_json, texts):
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json))
    rows = []
    for text in texts:
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text).ids
        decoded = decode(tokenizer, ids)
        rows.append({"text": text, "ids": ids, **({} if plain == ids else {"plain": plain}), **({} if decoded == text else {"decoded": decoded})})
    draw = random.Random(1)
    drawn = [[draw.randrange(tokenizer.get_vocab_size() + 2) for _ in range(8)] for _ in range(12)]
    return {"rows": rows, "drawn": [{"ids": ids, "text": decode(tokenizer, ids)} for ids in drawn]}


def main():
    kinds_models = {"byte-level": byte_level_model(), "byte-fallback": byte_fallback_model(), "word-piece": word_piece_model()}
    document = {"versions": {"tokenizers": tokenizers.__version__}, "models": kinds_models, "kinds": [], "files": []}
    for one in KINDS:
        parts = with_ids(one["parts"], kinds_models[one["model"]]["vocab"])
        tokenizer_json = {"version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, **parts}
        tokenizer_json["model"] = kinds_models[one["model"]] | one["model_fields"]
        document["kinds"].append({**one, "parts": parts, **goldens(tokenizer_json, TEXTS)})
    document["files"].append({"file": "examples/nano/model", **goldens(json.loads(NANO.read_text()), [*TEXTS, "Bambeth Balbam sells wool.", "- Virzam <|end|> buys salt\n<|pad|>"])})
    if len(sys.argv) > 1:
        llama2 = json.loads((Path(sys.argv[1]) / "tokenizers/llama2/tokenizer.json").read_text())
        # Three merges of blanks, which no text reaches, are written so that Python refuses the file.
        llama2["model"]["merges"] = [merge for merge in llama2["model"]["merges"] if merge.count(" ") == 1]
        document["files"].append({"file": "shared data tokenizers/llama2", **goldens(llama2, TEXTS)})
    lines = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    for field in ('{"name":', '{"file":', '{"text":', '"models":', '"drawn":', '"kinds":', '"files":'):
        lines = lines.replace(field, "\n" + field)
    (HERE / "tokenizers.json").write_text(lines + "\n")


main()

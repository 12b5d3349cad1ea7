"""Does PEFT, loading an adapter that the engine wrote, score rows as the engine does, and save it as it was?

    npm run seal -- finetune --model M --data rows.jsonl --out A
    npm run --silent seal -- score --model M --adapter A --data rows.jsonl --json > scores.json
    python test/golden/check_peft.py --model M --adapter A --data rows.jsonl --scores scores.json

Exits with 1 where a score differs by more than 1e-4 of its size, a tensor by a bit, or the configuration in what both say.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from safetensors.torch import load_file

import reference

TOLERANCE = 1e-4


def check_round_trip(model, adapter):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        ours, theirs = load_file(adapter / "adapter_model.safetensors"), load_file(Path(folder) / "adapter_model.safetensors")
        if ours.keys() != theirs.keys() or any(not ours[name].equal(theirs[name]) for name in ours):
            sys.exit("PEFT saves other tensors than it loaded")
        our_config, their_config = (json.loads((Path(at) / "adapter_config.json").read_text()) for at in (adapter, folder))
        for field in our_config.keys() - {"base_model_name_or_path"}:
            values = [sorted(value) if isinstance(value, list) and field == "target_modules" else value for value in (our_config[field], their_config.get(field))]
            if values[0] != values[1]:
                sys.exit(f"adapter_config.json: {field} is {values[0]} in ours, {values[1]} as PEFT saves it")
        print(f"{len(ours)} tensors, {len(our_config)} fields: saved as they were")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--model", "--adapter", "--data", "--scores"):
        parser.add_argument(flag, required=True)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in Path(arguments.data).read_text().splitlines()]
    ours = json.loads(Path(arguments.scores).read_text())["rows"]
    model = reference.load_adapter(reference.load_model(arguments.model), arguments.adapter).eval()
    theirs = reference.score(model, reference.load_tokenizer(arguments.model), rows)
    worst = 0.0
    for our, their in zip(ours, theirs, strict=True):
        if our["tokens"] != their["tokens"]:
            sys.exit(f"token counts differ: ours {our}, PEFT's {their}")
        worst = max(worst, abs(our["logprob"] - their["logprob"]) / max(abs(their["logprob"]), 1e-9))
    check_round_trip(model, Path(arguments.adapter))
    print(f"{len(rows)} rows, {sum(their['tokens'] for their in theirs)} tokens, largest relative difference {worst:.2e} (allowed {TOLERANCE:.0e})")
    sys.exit(0 if worst <= TOLERANCE else 1)


if __name__ == "__main__":
    main()

"""Does PEFT, loading an adapter that the engine wrote, score rows as the engine does?

    npm run seal -- finetune --model M --data rows.jsonl --out A
    npm run --silent seal -- score --model M --adapter A --data rows.jsonl --json > scores.json
    python test/golden/check_peft.py --model M --adapter A --data rows.jsonl --scores scores.json

Exits with 1 where a score differs by more than 1e-4 of its size.
"""

import argparse
import json
import sys
from pathlib import Path

import reference

TOLERANCE = 1e-4


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
    print(f"{len(rows)} rows, {sum(their['tokens'] for their in theirs)} tokens, largest relative difference {worst:.2e} (allowed {TOLERANCE:.0e})")
    sys.exit(0 if worst <= TOLERANCE else 1)


if __name__ == "__main__":
    main()

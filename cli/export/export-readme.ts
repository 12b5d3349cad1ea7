import type { ExportIdentity } from './policy-lineage';

/** `README.md` of an export: what it is, how it is loaded, where it comes from. */
export function exportReadme(identity: ExportIdentity): string {
  const { campaign, campaignId, epoch, kind } = identity;
  return `# ${campaign}, policy after epoch ${epoch}

${kind === 'merged' ? merged(identity) : adapters(identity)}
## Lineage

| | |
|---|---|
| campaign | \`${campaignId}\` (\`${campaign}\`) |
| epoch | ${epoch} |
| seed | ${identity.seed} |
| code version | \`${identity.codeVersion}\` |
| campaign file (sha256) | \`${identity.specSha256}\` |
${Object.entries(identity.base.files)
  .map(([name, sha256]) => `| base \`${name}\` (sha256) | \`${sha256}\` |\n`)
  .join('')}${identity.adapters
    .flatMap(({ epoch: of, files }) => Object.entries(files).map(([name, sha256]) => `| epoch ${of} \`${name}\` (sha256) | \`${sha256}\` |\n`))
    .join('')}
\`export.json\` says the same for programs, with the inputs and settings of every M-step and the hash of every file here.
`;
}

function merged({ base, adapters, dtype }: ExportIdentity): string {
  const of = adapters.length === 0 ? 'No M-step changed the policy: these are the base model\'s weights' : `The base model with the M-step adapters of epochs ${adapters.map(({ epoch }) => epoch).join(', ')}`;
  return `${of}, merged in order in float32 and stored as ${dtype}. The base was \`${base.name}\`. It loads like any Hugging Face model directory.
`;
}

function adapters({ base, adapters: list }: ExportIdentity): string {
  if (list.length === 0) return `No M-step changed the policy: it is the base model \`${base.name}\` itself, and there is no adapter here.\n`;
  const folders = list.map(({ directory }) => directory);
  return `LoRA adapters of the M-steps, one folder each, for the base model \`${base.name}\`. Each was trained on the model with those before it
merged in, so they are merged in this order: ${folders.join(', ')}.

\`\`\`python
from peft import PeftModel
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained("path/to/${base.name}", dtype="float32")
for adapter in [${folders.map((folder) => `"${folder}"`).join(', ')}]:
    model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
\`\`\`
`;
}

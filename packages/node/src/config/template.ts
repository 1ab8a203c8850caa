import { bareKey, dotted } from "./key.ts";
import { type FlatValues, SECTIONS } from "./schema.ts";

const HEAD = `# Configuration of this node, in the format of CometBFT v0.40; Cairn and CometBFT can both run on it.
# Paths are relative to the home folder, the parent of the folder of this file.
# Durations are texts: "500ms", "3s", "1m0s".
# Every key can also be given in the environment (p2p.laddr: CAIRN_P2P_LADDR or CMT_P2P_LADDR) or as a flag of
# \`cairn start\` (--p2p.laddr). A flag wins over the environment, the environment over this file.
# \`cairn config check\` tells what is wrong in here.
`;

/** Writes a whole config.toml with a comment on every key. What it writes reads back to the same values. */
export function renderConfig(values: FlatValues): string {
	const blocks = SECTIONS.map((section) => {
		const lines: string[] = [];
		if (section.title !== "") lines.push(rule(section.title));
		if (section.path !== "") lines.push(`[${section.path}]`);
		if (section.comment !== "") lines.push(comment(section.comment));
		if (lines.length > 0) lines.push("");
		for (const [name, key] of Object.entries(section.keys)) {
			const value = values.get(dotted(section.path, name)) ?? key.fallback;
			lines.push(comment(key.comment), `${bareKey(name)} = ${key.kind.write(value)}`, "");
		}
		return lines.join("\n");
	});
	return [HEAD, ...blocks].join("\n");
}

function comment(text: string): string {
	return text.replace(/^/gm, "# ");
}

function rule(title: string): string {
	return `# ---- ${title} ${"-".repeat(Math.max(3, 60 - title.length))}`;
}

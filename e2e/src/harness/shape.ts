/** What a text looks like when everything random or timely in it is replaced by its kind. */
export function shapeOf(text: string, replacements: readonly (readonly [from: string, to: string])[] = []): string {
	let shape = text;
	for (const [from, to] of replacements) shape = shape.replaceAll(from, to);
	return shape
		.replaceAll(/\[\d{4}-\d\d-\d\d\|[\d:.]+\]/g, "[<now>]")
		.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
		.replaceAll(/\b[0-9A-F]{64}\b/g, "<hash>")
		.replaceAll(/\b[0-9a-f]{40}\b/g, "<id>")
		.replaceAll(/\b[0-9A-F]{40}\b/g, "<address>")
		.replaceAll(/test-chain-[A-Za-z0-9]{6}/g, "<chain>")
		.replaceAll(/\bchain-[A-Za-z0-9]{6}/g, "<chain>")
		.replaceAll(/"[A-Za-z0-9+/]{86}=="/g, '"<64 bytes>"')
		.replaceAll(/"[A-Za-z0-9+/]{43}="/g, '"<32 bytes>"')
		.replaceAll(/12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g, "<libp2p id>");
}

/** A JSON document with every value replaced by its type, keys in their order. */
export function jsonShape(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(jsonShape);
	if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
	return Object.entries(value).map(([key, each]) => [key, jsonShape(each)]);
}

import { isKeyType, KEY_TYPES, type KeyType } from "@cairn/crypto";
import { CairnError } from "@cairn/kit";
import { nearest } from "../config/nearest.ts";

/** The type of key that a flag names. @throws CairnError `usage` that lists what there is */
export function keyTypeOf(text: string): KeyType {
	if (isKeyType(text)) return text;
	const meant = nearest(text, KEY_TYPES);
	const hint = meant === undefined ? `use ${KEY_TYPES.join(", ")}` : `did you mean ${meant}?`;
	throw new CairnError("usage", "operator", `--key-type "${text}" is not known; ${hint}`);
}

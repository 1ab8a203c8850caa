import { CairnError, fromUtf8 } from "@cairn/kit";

/** What `up.json` in the home says: that the folder is one of `cairn up`, and what its fleet is made from. */
export interface UpRecord {
	/** `making` while the nodes' homes are being written. */
	readonly state: "making" | "made";
	readonly chainId: string;
	readonly validators: number;
	readonly devices: number;
	/** Hex: the devices' keys come from it, so the file is secret as they are. */
	readonly seed: string;
}

const FORMAT = 1;

export function recordToJson(record: UpRecord): string {
	const { state, chainId, validators, devices, seed } = record;
	const fields = { format: FORMAT, state, chain_id: chainId, validators, devices, seed };
	return `${JSON.stringify(fields, undefined, "\t")}\n`;
}

/** @throws CairnError `up-home` where the file is damaged or of a newer version */
export function parseRecord(bytes: Uint8Array, path: string): UpRecord {
	const fields = readObject(bytes);
	if (fields === undefined) throw damaged(path, "is not JSON");
	if (typeof fields.format === "number" && fields.format > FORMAT) {
		throw damaged(path, "was written by a newer version of cairn");
	}
	const { format, state, chain_id: chainId, validators, devices, seed } = fields;
	const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
	if (format !== FORMAT || (state !== "making" && state !== "made")) throw damaged(path, "has no known state");
	if (typeof chainId !== "string" || typeof seed !== "string" || !/^[0-9a-f]{64}$/.test(seed)) {
		throw damaged(path, "lacks chain_id or seed");
	}
	if (!isCount(validators) || validators === 0 || !isCount(devices)) throw damaged(path, "lacks validators or devices");
	return { state, chainId, validators, devices, seed };
}

function readObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
	try {
		const value: unknown = JSON.parse(fromUtf8(bytes));
		return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}

function damaged(path: string, what: string): CairnError {
	const advice = "move its folder away, or choose another with --home";
	return new CairnError("up-home", "operator", `${path} ${what}; ${advice}`, { path });
}

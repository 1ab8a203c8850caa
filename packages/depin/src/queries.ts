import { fromUtf8, utf8 } from "@cairn/kit";
import { abci } from "@cairn/types/proto";
import { CODES, CODESPACE, type Reason } from "./state-machine/codes.ts";
import { smtProofOp } from "./state-machine/ics23.ts";
import { ALIASES, STATS } from "./state-machine/records.ts";
import { findLeaf, proveKey, type Tree, treeLeaves } from "./state-machine/sparse-merkle-tree.ts";

/** One version of the state. */
export interface StateVersion {
	readonly height: number;
	readonly tree: Tree;
}

interface Found {
	/** The key of the tree that answers, where one does: it can be proven. */
	readonly key?: Uint8Array;
	/** What is answered without a key of the tree. */
	readonly value?: Uint8Array;
}

const MAX_LISTED = 1000;

function refused(reason: Reason, log: string, height: number): abci.ResponseQuery {
	const code = CODES[reason];
	return abci.ResponseQuery.create({ code, codespace: CODESPACE, log: `${reason}: ${log}`, height: BigInt(height) });
}

/**
 * Answers a query. Paths name a record of the state, whose value is answered byte for byte and can be proven, also to be
 * missing; or (`/devices`) something gathered from many records, without proof. Values are JSON.
 */
export function answerQuery(version: StateVersion, request: abci.RequestQuery): abci.ResponseQuery {
	const { tree, height } = version;
	const found = resolve(tree, request);
	if (found === undefined) {
		const paths =
			"/device/<id>, /devices, /reading/<device>/latest, /feed/<metric>, /account/<address>, /params, /stats, /store";
		return refused("unknown-path", `${JSON.stringify(request.path.slice(0, 100))}; there are ${paths}`, height);
	}
	const { key } = found;
	if (key === undefined) {
		if (request.prove) return refused("cannot-prove", "a list has no proof: ask for its members", height);
		return abci.ResponseQuery.create({ value: found.value ?? new Uint8Array(0), height: BigInt(height) });
	}
	const leaf = findLeaf(tree, key);
	const proofOps = request.prove ? { ops: [smtProofOp(key, proveKey(tree, key))] } : null;
	const answer = { key, proofOps, height: BigInt(height) };
	if (leaf === undefined) {
		const missing = refused("not-found", `nothing at ${fromUtf8(key)}`, height);
		return { ...missing, ...answer };
	}
	return abci.ResponseQuery.create({ ...answer, value: leaf.value });
}

function resolve(tree: Tree, request: abci.RequestQuery): Found | undefined {
	const path = request.path.split("?")[0] ?? "";
	const [head = "", ...rest] = path.split("/").filter((part) => part !== "");
	const id = rest.join("/");
	if (head === "store") return rest.length === 0 && request.data.length > 0 ? { key: request.data.slice() } : undefined;
	if (rest.length === 0) {
		if (head === "params" || head === "stats") return { key: utf8(head) };
		return head === "devices" ? { value: utf8(listDevices(tree)) } : undefined;
	}
	switch (head) {
		case "device":
			return { key: utf8(`device/${deviceId(tree, id)}`) };
		case "reading":
			return rest.at(-1) === "latest" && rest.length > 1
				? { key: utf8(`reading/${deviceId(tree, rest.slice(0, -1).join("/"))}`) }
				: undefined;
		case "feed":
		case "account":
			return { key: utf8(`${head}/${id}`) };
		default:
			return undefined;
	}
}

/** The device that a did:key, `<owner>/<alias>` or `<alias>` names; what names none is taken for an id. */
function deviceId(tree: Tree, name: string): string {
	const leaf = findLeaf(tree, utf8(ALIASES.prefix + name));
	return leaf === undefined ? name : ALIASES.decode(leaf.value);
}

/** The first devices in the order of the tree, as `{"total", "devices": [{"id", "alias", …}]}`. */
function listDevices(tree: Tree): string {
	const stats = findLeaf(tree, utf8(STATS.prefix));
	const total = stats === undefined ? 0 : STATS.decode(stats.value).devices;
	const wanted = Math.min(total, MAX_LISTED);
	const devices: string[] = [];
	for (const { key, value } of treeLeaves(tree)) {
		if (devices.length === wanted) break;
		if (startsWith(key, DEVICE_PREFIX)) devices.push(fromUtf8(value));
	}
	return `{"total":${total},"devices":[${devices.join(",")}]}`;
}

const DEVICE_PREFIX = utf8("device/");

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
	return prefix.every((byte, i) => bytes[i] === byte);
}

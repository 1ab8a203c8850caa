import { sha256 } from "@cairn/crypto";
import { CairnError, DecodeError, fromUtf8 } from "@cairn/kit";
import { type AccountMessage, decodeAccountMessage } from "./account-message.ts";
import { type Refusal, refusal } from "./codes.ts";
import { CONTENT_SENML_CBOR, decodeSign1, type SignedMessage } from "./cose.ts";
import { accountAddress, didOf, verifyWith } from "./device-key.ts";
import { doubleToFixed, parseFixed, VALUE_DIGITS } from "./fixed-point.ts";
import { isMetricName } from "./profile.ts";
import { decodeSenml, type SenmlRecord } from "./senml.ts";

/** Largest transaction that is looked at, whatever the parameters say. */
export const MAX_TX_BYTES = 16_384;

/** A signed pack of readings. */
export interface ReadingTransaction {
	readonly kind: "reading";
	/** did:key of the device that signs. */
	readonly device: string;
	readonly message: SignedMessage;
	readonly records: readonly SenmlRecord[];
}

/** Something that the owner of an account asks for. */
export interface AccountTransaction {
	readonly kind: "account";
	/** Address of the account that signs. */
	readonly account: string;
	readonly message: SignedMessage;
	readonly body: AccountMessage;
}

/** The unsigned form `{"device":"sensor-1","reading":"72"}` of development chains. */
export interface DevelopmentTransaction {
	readonly kind: "development";
	/** Alias of the device. */
	readonly device: string;
	readonly metric: string | undefined;
	/** In units of 10^-6. */
	readonly value: bigint;
}

export type Transaction = ReadingTransaction | AccountTransaction | DevelopmentTransaction;

/** A transaction that decodes, and how big it is. */
export interface DecodedTransaction {
	readonly transaction: Transaction;
	readonly size: number;
	/** Whether the signature is that of the key it names; true for the form without one. Computed at most once. */
	isSigned(): boolean;
}

/** True for names that people give devices. */
export function isAlias(text: string): boolean {
	return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(text);
}

const JSON_OBJECT = 0x7b;

/** Reads any of the three forms. Arrays in the result are views. @throws DecodeError */
export function decodeTransaction(bytes: Uint8Array): Transaction {
	if (bytes[0] === JSON_OBJECT) return decodeDevelopment(bytes);
	const message = decodeSign1(bytes);
	if (message.contentType !== CONTENT_SENML_CBOR) {
		const account = accountAddress(message.key.id);
		return { kind: "account", account, message, body: decodeAccountMessage(message.payload) };
	}
	if (message.sequence < 1) throw new DecodeError("sequence numbers of devices begin at 1");
	return { kind: "reading", device: didOf(message.key.id), message, records: decodeSenml(message.payload) };
}

function decodeDevelopment(bytes: Uint8Array): DevelopmentTransaction {
	const value = parseObject(bytes);
	for (const name of Object.keys(value)) {
		if (name !== "device" && name !== "reading" && name !== "metric") {
			throw new DecodeError(
				`unknown field ${JSON.stringify(name.slice(0, 40))}: expected device, reading and perhaps metric`,
			);
		}
	}
	const { device, reading, metric } = value;
	if (typeof device !== "string" || !isAlias(device)) throw new DecodeError('"device" must be a name: a-z, 0-9, . _ -');
	if (metric !== undefined && (typeof metric !== "string" || !isMetricName(metric))) {
		throw new DecodeError('"metric" must be a name: a-z, 0-9, . _ -');
	}
	if (typeof reading === "string")
		return { kind: "development", device, metric, value: parseFixed(reading, VALUE_DIGITS) };
	if (typeof reading !== "number") throw new DecodeError('"reading" must be a number');
	return { kind: "development", device, metric, value: doubleToFixed(reading, VALUE_DIGITS) };
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(fromUtf8(bytes));
		if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
	} catch {
		// Said below: the parser's own words quote the input.
	}
	throw new DecodeError("begins like JSON and is not");
}

/**
 * Decodes transactions, and remembers those whose signature was found good, so that a signature is verified once per
 * process, however often CheckTx, ProcessProposal and FinalizeBlock come to it. A pure function with a memory: what it
 * answers never depends on what it remembers.
 */
export class TransactionReader {
	readonly #known = new Map<string, DecodedTransaction>();
	readonly #capacity: number;

	constructor(capacity = 20_000) {
		this.#capacity = capacity;
	}

	/** How many good transactions are remembered. */
	get size(): number {
		return this.#known.size;
	}

	read(bytes: Uint8Array): DecodedTransaction | Refusal {
		if (bytes.length > MAX_TX_BYTES) {
			return refusal("too-large", `${bytes.length} bytes, at most ${MAX_TX_BYTES} are looked at`);
		}
		const name = String.fromCharCode(...sha256(bytes));
		const known = this.#known.get(name);
		if (known !== undefined) return known;
		try {
			// A copy: what is remembered must not hang on a buffer of the caller.
			const transaction = decodeTransaction(bytes.slice());
			return this.#entry(name, transaction, bytes.length);
		} catch (cause) {
			if (cause instanceof CairnError && cause.code === "decode") return refusal("malformed", cause.message);
			throw cause;
		}
	}

	#entry(name: string, transaction: Transaction, size: number): DecodedTransaction {
		let verdict: boolean | undefined = transaction.kind === "development" ? true : undefined;
		const entry: DecodedTransaction = {
			transaction,
			size,
			isSigned: () => {
				if (verdict !== undefined || transaction.kind === "development") return verdict === true;
				const { key, signedBytes, signature } = transaction.message;
				verdict = verifyWith(key, signedBytes, signature);
				if (verdict) this.#remember(name, entry);
				return verdict;
			},
		};
		return entry;
	}

	#remember(name: string, entry: DecodedTransaction): void {
		if (this.#known.size >= this.#capacity) {
			const oldest = this.#known.keys().next().value;
			if (oldest !== undefined) this.#known.delete(oldest);
		}
		this.#known.set(name, entry);
	}
}

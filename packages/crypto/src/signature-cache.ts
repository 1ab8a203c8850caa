import { concatBytes, invariant } from "@cairn/kit";
import { sha256 } from "./hash.ts";
import { KEY_TYPES, type PublicKey } from "./key.ts";
import { verifySignature } from "./signature.ts";

/**
 * Remembers signatures that were found good, so that a vote seen again inside a commit is not verified twice. Only
 * digests of (key, signature, message) are kept, at most `capacity`; the oldest go first. Failures are never
 * remembered.
 */
export class SignatureCache {
	readonly capacity: number;
	private readonly known = new Set<string>();
	/** Stands before the oldest: a new iterator would first pass over the places of all that were forgotten. */
	private readonly oldestFirst = this.known.values();

	constructor(capacity: number) {
		invariant(Number.isSafeInteger(capacity) && capacity > 0, "capacity of a signature cache must be positive", {
			capacity,
		});
		this.capacity = capacity;
	}

	get size(): number {
		return this.known.size;
	}

	/** As `verifySignature`. */
	verify(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
		const digest = cacheKey(publicKey, message, signature);
		if (this.known.has(digest)) return true;
		if (!verifySignature(publicKey, message, signature)) return false;
		this.remember(digest);
		return true;
	}

	private remember(digest: string): void {
		if (this.known.size >= this.capacity) {
			const { value, done } = this.oldestFirst.next();
			if (done !== true) this.known.delete(value);
		}
		this.known.add(digest);
	}
}

function cacheKey(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): string {
	// Lengths of key and signature go in too: no two different claims may share the concatenation.
	const lengths = Uint8Array.of(
		KEY_TYPES.indexOf(publicKey.type),
		publicKey.bytes.length >> 8,
		publicKey.bytes.length & 255,
		signature.length >> 8,
		signature.length & 255,
	);
	return String.fromCharCode(...sha256(concatBytes(lengths, publicKey.bytes, signature, message)));
}

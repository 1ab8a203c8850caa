import { sha256 } from "@cairn/crypto";
import { DecodeError, EMPTY_BYTES } from "@cairn/kit";
import { CborReader, CborWriter } from "./cbor.ts";
import { MAX_KEY_ID_SIZE, SIGNATURE_SIZE, type SigningKey, signingKeyFromId } from "./device-key.ts";

/** CBOR tag of COSE_Sign1 (RFC 9052 §2). */
const COSE_SIGN1 = 18;

/** Labels of the protected header: three of RFC 9052 §3.1, three of its range for private use. */
export const LABELS = {
	algorithm: 1,
	contentType: 3,
	keyId: 4,
	chainId: -65_537,
	sequence: -65_538,
	previous: -65_539,
} as const;

/** CoAP content formats: what a payload is. */
export const CONTENT_SENML_CBOR = 112;
export const CONTENT_CBOR = 60;

const MAX_CHAIN_ID_SIZE = 50;
const MAX_PROTECTED_SIZE = 192;
const DIGEST_SIZE = 32;

/** `previous` of a device's first message, in hex. */
export const NO_MESSAGE: string = "00".repeat(DIGEST_SIZE);

/** What the protected header says. */
export interface MessageHeader {
	readonly key: SigningKey;
	readonly contentType: number;
	readonly chainId: string;
	/** Of a device from 1 on; of an account its nonce, from 0 on. */
	readonly sequence: number;
	/** Digest of the device's message before this one; 32 zero bytes in its first. Only in readings. */
	readonly previous: Uint8Array | undefined;
}

/** A decoded COSE_Sign1 message; its arrays are views of the bytes it was read from. */
export interface SignedMessage extends MessageHeader {
	readonly payload: Uint8Array;
	readonly signature: Uint8Array;
	/** The Sig_structure: the bytes that are signed. */
	readonly signedBytes: Uint8Array;
	/** SHA-256 of `signedBytes`: what the next message names as `previous`, the same however it was signed. */
	readonly digest: Uint8Array;
}

/** The protected header in its one deterministic form. */
export function encodeHeader(header: MessageHeader): Uint8Array {
	const writer = new CborWriter();
	writer.map(header.previous === undefined ? 5 : 6);
	writer.int(LABELS.algorithm).int(header.key.scheme.coseAlgorithm);
	writer.int(LABELS.contentType).uint(header.contentType);
	writer.int(LABELS.keyId).bytes(header.key.id);
	writer.int(LABELS.chainId).text(header.chainId);
	writer.int(LABELS.sequence).uint(header.sequence);
	if (header.previous !== undefined) writer.int(LABELS.previous).bytes(header.previous);
	return writer.finish();
}

/** `["Signature1", protected, external_aad = h'', payload]` (RFC 9052 §4.4). */
export function signedBytesOf(protectedHeader: Uint8Array, payload: Uint8Array): Uint8Array {
	const writer = new CborWriter().array(4).text("Signature1");
	return writer.bytes(protectedHeader).bytes(EMPTY_BYTES).bytes(payload).finish();
}

/** The whole transaction: tag 18, [protected, {}, payload, signature]. */
export function encodeSign1(protectedHeader: Uint8Array, payload: Uint8Array, signature: Uint8Array): Uint8Array {
	const writer = new CborWriter().tag(COSE_SIGN1).array(4);
	return writer.bytes(protectedHeader).map(0).bytes(payload).bytes(signature).finish();
}

/**
 * Reads a COSE_Sign1 message in the one form that docs/depin.md fixes: tagged, no unprotected header, the protected
 * header with exactly our labels, so that nothing outside the signature can be varied. @throws DecodeError
 */
export function decodeSign1(bytes: Uint8Array): SignedMessage {
	const reader = new CborReader(bytes);
	if (reader.tag() !== COSE_SIGN1) throw new DecodeError("COSE: expected tag 18 (COSE_Sign1)");
	if (reader.array(4) !== 4) throw new DecodeError("COSE: a COSE_Sign1 message has four parts");
	const protectedHeader = reader.bytes(MAX_PROTECTED_SIZE);
	if (reader.map(0) !== 0) throw new DecodeError("COSE: the unprotected header must be empty");
	const payload = reader.bytes(bytes.length);
	const signature = reader.bytes(SIGNATURE_SIZE);
	reader.end();
	if (signature.length !== SIGNATURE_SIZE) {
		throw new DecodeError(`COSE: a signature of ${signature.length} bytes, expected ${SIGNATURE_SIZE}`);
	}
	const signedBytes = signedBytesOf(protectedHeader, payload);
	return { ...decodeHeader(protectedHeader), payload, signature, signedBytes, digest: sha256(signedBytes) };
}

function decodeHeader(bytes: Uint8Array): MessageHeader {
	const reader = new CborReader(bytes);
	const pairs = reader.map(6);
	const expect = (label: number, name: string): void => {
		if (reader.int() !== label) throw new DecodeError(`COSE: expected header ${label} (${name}) as the next label`);
	};
	expect(LABELS.algorithm, "alg");
	const algorithm = reader.int();
	expect(LABELS.contentType, "content type");
	const contentType = reader.uint();
	expect(LABELS.keyId, "kid");
	const key = signingKeyFromId(reader.bytes(MAX_KEY_ID_SIZE));
	if (algorithm !== key.scheme.coseAlgorithm) {
		throw new DecodeError(`COSE: algorithm ${algorithm} does not fit a ${key.scheme.name} key`);
	}
	expect(LABELS.chainId, "chain id");
	const chainId = reader.text(MAX_CHAIN_ID_SIZE);
	expect(LABELS.sequence, "sequence number");
	const sequence = reader.uint();
	const previous = contentType === CONTENT_SENML_CBOR ? decodePrevious(reader, expect) : undefined;
	reader.end();
	if (pairs !== (previous === undefined ? 5 : 6)) throw new DecodeError(`COSE: ${pairs} protected headers`);
	if (previous === undefined && contentType !== CONTENT_CBOR) {
		throw new DecodeError(`COSE: content type ${contentType}, expected ${CONTENT_SENML_CBOR} or ${CONTENT_CBOR}`);
	}
	return { key, contentType, chainId, sequence, previous };
}

function decodePrevious(reader: CborReader, expect: (label: number, name: string) => void): Uint8Array {
	expect(LABELS.previous, "previous message");
	const previous = reader.bytes(DIGEST_SIZE);
	if (previous.length !== DIGEST_SIZE) throw new DecodeError("COSE: the previous message's digest has 32 bytes");
	return previous;
}

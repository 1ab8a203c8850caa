import {
	backendName,
	KEY_TYPES,
	merkleProofs,
	merkleRoot,
	openChaCha20Poly1305,
	privateKeyFromSeed,
	publicKeyOf,
	SignatureCache,
	sealChaCha20Poly1305,
	sha256,
	sign,
	verifySignature,
	x25519KeyPair,
	x25519SharedSecret,
} from "@cairn/crypto";

// Operations per second of the cryptography on one core: node bench/dist/crypto.js

const MEASURE_MS = 400;

/** Repeats the work for a while after a warm-up; returns calls per second. */
function rate(work: () => unknown): number {
	for (let i = 0; i < 20; i++) work();
	let calls = 0;
	const start = performance.now();
	let now = start;
	while (now - start < MEASURE_MS) {
		for (let i = 0; i < 10; i++) work();
		calls += 10;
		now = performance.now();
	}
	return (calls * 1000) / (now - start);
}

function report(name: string, work: () => unknown): void {
	const perSecond = rate(work);
	const text = perSecond >= 1000 ? Math.round(perSecond).toLocaleString("en-US") : perSecond.toFixed(1);
	console.log(`${name.padEnd(44)} ${text.padStart(12)} /s`);
}

function filled(length: number, byte = 7): Uint8Array {
	return new Uint8Array(length).fill(byte);
}

function benchHashes(): void {
	for (const length of [64, 256, 1024, 65_536]) {
		const bytes = filled(length);
		report(`sha256, ${length} bytes`, () => sha256(bytes));
	}
	const leaves = Array.from({ length: 1000 }, (_, i) => filled(32, i & 255));
	report("Merkle root, 1000 leaves of 32 bytes", () => merkleRoot(leaves));
	report("Merkle proofs, 1000 leaves of 32 bytes", () => merkleProofs(leaves));
}

function benchSignatures(): void {
	const message = filled(120);
	for (const type of KEY_TYPES) {
		const key = privateKeyFromSeed(type, filled(32));
		const publicKey = publicKeyOf(key);
		const signature = sign(key, message);
		report(`${type} sign`, () => sign(key, message));
		report(`${type} verify`, () => verifySignature(publicKey, message, signature));
	}
	const key = privateKeyFromSeed("ed25519", filled(32));
	const publicKey = publicKeyOf(key);
	const signature = sign(key, message);
	const wrong = filled(120, 8);
	report("ed25519 verify, refused (what a peer can force)", () => verifySignature(publicKey, wrong, signature));
	const cache = new SignatureCache(1000);
	report("ed25519 verify, remembered", () => cache.verify(publicKey, message, signature));
}

function benchChannel(): void {
	const key = filled(32);
	const nonce = filled(12);
	const frame = filled(1044);
	const plaintext = frame.subarray(0, 1028);
	report("ChaCha20-Poly1305 seal, 1028 bytes in place", () => sealChaCha20Poly1305(key, nonce, plaintext, frame));
	const sealed = sealChaCha20Poly1305(key, nonce, filled(1028));
	report("ChaCha20-Poly1305 open, 1028 bytes", () => openChaCha20Poly1305(key, nonce, sealed, plaintext));
	const mine = x25519KeyPair(filled(32));
	const theirs = x25519KeyPair(filled(32, 9));
	report("x25519 shared secret", () => x25519SharedSecret(mine.privateKey, theirs.publicKey));
}

console.log(`backend: ${backendName}, Node.js ${process.version}`);
benchHashes();
benchSignatures();
benchChannel();

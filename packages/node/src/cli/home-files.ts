import { dirname } from "node:path";
import {
	generatePrivateKey,
	type KeyType,
	type PrivateKey,
	type PublicKey,
	publicKeyOf,
	SEED_SIZE,
} from "@cairn/crypto";
import { type Disk, type Logger, utf8, type World } from "@cairn/kit";
import { loadOrMakeNodeKey, type NodeKey } from "@cairn/network";
import { EMPTY_GUARD, FileSigner, formatStateFile, parseKeyFile } from "@cairn/signer";
import type { ConfigPaths } from "../config/schema.ts";

/** Mode of files that are no secret. */
const PUBLIC_MODE = 0o644;

/** Makes the folders that the files of a home are in. */
export async function makeFolders(disk: Disk, paths: ConfigPaths): Promise<void> {
	const files = [
		paths.configFile,
		paths.genesisFile,
		paths.nodeKeyFile,
		paths.privValidatorKeyFile,
		paths.privValidatorStateFile,
	];
	for (const folder of new Set([paths.home, ...files.map((file) => dirname(file)), paths.dbDir])) {
		await disk.makeDirectory(folder);
	}
}

/** Writes a file that everybody may read. */
export async function writePublic(disk: Disk, path: string, text: string): Promise<void> {
	await disk.writeAtomic(path, utf8(text), PUBLIC_MODE);
}

/** The validator key of a home, made where there is none, with the lines that CometBFT logs. */
export async function ensureValidator(
	world: World,
	logger: Logger,
	paths: ConfigPaths,
	keyType: KeyType,
): Promise<PublicKey> {
	const { privValidatorKeyFile: keyFile, privValidatorStateFile: stateFile } = paths;
	const found = (await world.disk.read(keyFile)) !== undefined;
	const signer = await FileSigner.loadOrGenerate(world.disk, { keyFile, stateFile }, world.random, keyType);
	logger.info(found ? "Found private validator" : "Generated private validator", { keyFile, stateFile });
	return signer.publicKey;
}

/** The node key of a home, made where there is none. */
export async function ensureNodeKey(world: World, logger: Logger, paths: ConfigPaths): Promise<NodeKey> {
	const found = (await world.disk.read(paths.nodeKeyFile)) !== undefined;
	const key = await loadOrMakeNodeKey(world.disk, world.random, paths.nodeKeyFile);
	logger.info(found ? "Found node key" : "Generated node key", { path: paths.nodeKeyFile });
	return key;
}

/** A fresh key of a validator. */
export function newValidatorKey(world: World, keyType: KeyType): PrivateKey {
	return generatePrivateKey(keyType, world.random.bytes(SEED_SIZE));
}

/** The key in a validator's key file, or undefined where there is none. @throws CairnError `signer-key-file` */
export async function readValidatorKey(disk: Disk, path: string): Promise<PublicKey | undefined> {
	const bytes = await disk.read(path);
	return bytes === undefined ? undefined : publicKeyOf(parseKeyFile(bytes, path));
}

/** Forgets what the validator key signed; makes a key where there is none. */
export async function resetValidator(world: World, logger: Logger, paths: ConfigPaths): Promise<void> {
	const { privValidatorKeyFile: keyFile, privValidatorStateFile: stateFile } = paths;
	const bytes = await world.disk.read(keyFile);
	await world.disk.makeDirectory(dirname(stateFile));
	if (bytes === undefined) {
		await world.disk.makeDirectory(dirname(keyFile));
		await FileSigner.create(world.disk, { keyFile, stateFile }, newValidatorKey(world, "ed25519"));
		logger.info("Generated private validator file", { keyFile, stateFile });
		return;
	}
	// A key file that cannot be read must not lose its state.
	parseKeyFile(bytes, keyFile);
	await world.disk.writeAtomic(stateFile, formatStateFile(EMPTY_GUARD));
	logger.info("Reset private validator file to genesis state", { keyFile, stateFile });
}

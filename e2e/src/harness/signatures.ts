import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type PublicKey, verifySignature } from "@cairn/crypto";
import { toHex, toUpperHex } from "@cairn/kit";
import { readWalFile } from "@cairn/storage";
import {
	BLOCK_ID_FLAG_COMMIT,
	type BlockId,
	type ChainState,
	genesisState,
	PRECOMMIT,
	PREVOTE,
	parseGenesis,
	proposalFromProto,
	proposalSignBytes,
	voteFromProto,
	voteSignBytes,
} from "@cairn/types";
import { readDelimited, types } from "@cairn/types/proto";
import type { TestNode } from "./network.ts";

/** What a validator has said at one place; `value` is the block id, or nil. */
interface Statement {
	readonly signer: string;
	readonly place: string;
	readonly value: string;
	readonly source: string;
}

/**
 * Everything that validators have ever signed, as far as any witness remembers: consensus logs of all nodes, commits in
 * blocks, states of signers. Two different statements of one validator at one place are a double signature.
 */
export class Signatures {
	readonly #said = new Map<string, Map<string, string>>();
	readonly #genesis: ChainState;
	readonly #keys = new Map<string, PublicKey>();

	/** @param home any home of the chain; its validators must be those of genesis all along */
	constructor(home: string) {
		this.#genesis = genesisState(parseGenesis(readFileSync(join(home, "config", "genesis.json"), "utf8")));
		for (const { address, publicKey } of this.#genesis.validators.validators) {
			this.#keys.set(toUpperHex(address), publicKey);
		}
	}

	/** Places at which something was said. */
	get places(): number {
		return this.#said.size;
	}

	#add({ signer, place, value, source }: Statement): void {
		const key = `${signer} ${place}`;
		const values = this.#said.get(key) ?? new Map<string, string>();
		if (!values.has(value)) values.set(value, source);
		this.#said.set(key, values);
	}

	/** Reads all that is left of a node's consensus log, repaired originals included. */
	addLogOf({ home, name }: TestNode): void {
		const folder = join(home, "data", "cs.wal");
		for (const file of readdirSync(folder)) {
			if (!file.startsWith("wal")) continue;
			const { records } = readWalFile(new Uint8Array(readFileSync(join(folder, file))));
			for (const { record } of records) {
				if (record.kind === "message") this.#addMessage(record.message.sum, `${name}/${file}`);
			}
		}
	}

	#addMessage(sum: LoggedMessage, source: string): void {
		const { chainId } = this.#genesis;
		if (sum?.kind === "vote") {
			const vote = voteFromProto(sum.value.vote);
			const signer = toUpperHex(vote.validatorAddress);
			const place = placeOf(vote.type, vote.height, vote.round);
			this.#requireSignature(signer, voteSignBytes(chainId, vote), vote.signature, `${source} ${place}`);
			this.#add({ signer, place, value: textOf(vote.blockId), source });
		} else if (sum?.kind === "proposal") {
			const proposal = proposalFromProto(sum.value.proposal);
			const bytes = proposalSignBytes(chainId, proposal);
			const signer = [...this.#keys].find(([, key]) => verifySignature(key, bytes, proposal.signature))?.[0];
			if (signer === undefined) throw new Error(`${source}: nobody has signed the proposal of ${proposal.height}`);
			const place = placeOf(PROPOSAL, proposal.height, proposal.round);
			this.#add({ signer, place, value: textOf(proposal.blockId), source });
		}
	}

	#requireSignature(signer: string, bytes: Uint8Array, signature: Uint8Array, where: string): void {
		const key = this.#keys.get(signer);
		if (key === undefined) throw new Error(`${where}: ${signer} is no validator`);
		if (!verifySignature(key, bytes, signature))
			throw new Error(`${where}: a false signature of ${signer} is in the log`);
	}

	/** The last thing that a node has signed, sent or not, as its signer's state file remembers it. */
	addSignerOf(node: TestNode): void {
		const file = join(node.home, "data", "priv_validator_state.json");
		const { signbytes: text } = JSON.parse(readFileSync(file, "utf8")) as { signbytes?: string };
		if (text === undefined) return;
		const bytes = new Uint8Array(Buffer.from(text, "hex"));
		const message = readDelimited(bytes, 0, bytes.length)?.message;
		if (message === undefined) throw new Error(`${file} holds no sign bytes`);
		// The type is the first field of both; the others have other places in a proposal than in a vote.
		const said =
			message[1] === PROPOSAL ? types.CanonicalProposal.decode(message) : types.CanonicalVote.decode(message);
		const place = placeOf(said.type, Number(said.height), Number(said.round));
		const value = said.blockId === null ? "nil" : textOf(said.blockId);
		this.#add({ signer: node.validatorAddress, place, value, source: `signer of ${node.name}` });
	}

	/** Precommits in the commits of all blocks up to a height, as a node's RPC shows them. */
	async addCommitsOf(node: TestNode, height: number): Promise<void> {
		for (let at = 1; at <= height; at++) {
			const answer = await node.call<CommitAnswer>(`commit?height=${at}`);
			const { round, block_id, signatures } = answer.signed_header.commit;
			const parts = { total: block_id.parts.total, hash: Buffer.from(block_id.parts.hash, "hex") };
			const value = textOf({ hash: Buffer.from(block_id.hash, "hex"), partSetHeader: parts });
			for (const { block_id_flag, validator_address: signer } of signatures) {
				if (signer === "") continue;
				const place = placeOf(PRECOMMIT, at, round);
				const said = block_id_flag === BLOCK_ID_FLAG_COMMIT ? value : "nil";
				this.#add({ signer, place, value: said, source: `commit ${at} of ${node.name}` });
			}
		}
	}

	/** @throws naming both witnesses where a validator has said two things at one place */
	requireNoDouble(): void {
		for (const [place, values] of this.#said) {
			if (values.size > 1) throw new Error(`signed twice: ${place}: ${JSON.stringify([...values])}`);
		}
	}
}

type LoggedMessage = Extract<
	ReturnType<typeof readWalFile>["records"][number]["record"],
	{ kind: "message" }
>["message"]["sum"];

interface CommitAnswer {
	readonly signed_header: {
		readonly commit: {
			readonly round: number;
			readonly block_id: { readonly hash: string; readonly parts: { readonly total: number; readonly hash: string } };
			readonly signatures: readonly { readonly block_id_flag: number; readonly validator_address: string }[];
		};
	};
}

const PROPOSAL = 32;
const NAMES = new Map<number, string>([
	[PREVOTE, "prevote"],
	[PRECOMMIT, "precommit"],
	[PROPOSAL, "proposal"],
]);

function placeOf(type: number, height: number, round: number): string {
	return `${NAMES.get(type)} ${height}/${round}`;
}

function textOf({ hash, partSetHeader }: BlockId): string {
	if (hash.length === 0) return "nil";
	return `${toHex(hash)}/${partSetHeader.total}/${toHex(partSetHeader.hash)}`;
}

import { utf8 } from "@cairn/kit";
import { PRECOMMIT, PREVOTE, type Vote } from "@cairn/types";
import type { TendermintMessage } from "../tendermint/protocol.ts";
import { blockIdOf, GENESIS_TIME } from "./fixture.ts";
import { signedProposal, signedVote } from "./guard.ts";
import type { Network } from "./network.ts";
import type { SimulatedNode } from "./node.ts";

/** A validator that votes for anything, twice and to whomever it likes, and proposes two blocks at once. */
export function startByzantine(network: Network, member: number): void {
	const act = (): void => {
		network.after(20 + network.integer(60), () => {
			const target = network.nodes[network.integer(network.nodes.length)];
			if (target?.alive === true) misbehave(network, member, target);
			act();
		});
	};
	act();
}

function misbehave(network: Network, member: number, target: SimulatedNode): void {
	const { height, round, leader } = target.engine.view();
	if (height === 0) return;
	const set = network.validatorsAt(height);
	const index = set.validators.findIndex(({ address }) => network.memberOf(address) === member);
	const validator = set.getByIndex(index);
	if (validator === null) return;
	const known = [...network.blocks.values()].filter((block) => block.height === height);
	if (leader === member && known.filter(({ maker }) => maker === member).length < 6) {
		const parent = network.nodes[0]?.chain[height - 2]?.block.key ?? null;
		const block = network.makeBlock(height, parent, member, network.chance(0.7));
		const timestamp = GENESIS_TIME + BigInt(network.now) * 1_000_000n;
		const proposal = { height, round, polRound: -1, blockId: block.id, timestamp, signature: new Uint8Array(0) };
		network.send(member, target, { kind: "proposal", proposal: signedProposal(proposal, member) });
	}
	const choice = known[network.integer(known.length + 1)];
	const blockId = choice?.id ?? blockIdOf("");
	const type = network.chance(0.5) ? PREVOTE : PRECOMMIT;
	const extended = network.options.extensions === true && type === PRECOMMIT && choice !== undefined;
	const vote: Vote = {
		type,
		height,
		round: Math.max(0, round - network.integer(2)),
		blockId,
		timestamp: GENESIS_TIME + BigInt(network.now) * 1_000_000n,
		validatorAddress: validator.address,
		validatorIndex: index,
		signature: new Uint8Array(0),
		extension: extended ? utf8("nonsense") : new Uint8Array(0),
		extensionSignature: new Uint8Array(0),
	};
	const message: TendermintMessage = { kind: "vote", vote: signedVote(vote, extended, member) };
	if (network.chance(0.5)) network.send(member, target, message);
	else network.broadcast(member, message);
}

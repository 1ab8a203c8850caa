import type { ChannelDescriptor } from "@cairn/network";

/** Rounds, steps, what is held: small, and first to be read. */
export const STATE_CHANNEL = 0x20;
/** Proposals and block parts. */
export const DATA_CHANNEL = 0x21;
export const VOTE_CHANNEL = 0x22;
/** Answers to claims of majorities. */
export const VOTE_SET_BITS_CHANNEL = 0x23;

/** Longest message on any of them (consensus/reactor.go). */
const MAX_MESSAGE_SIZE = 1_048_576;

/**
 * CometBFT's four channels of consensus, with its priorities and queue lengths. The bounds in bytes are ours: a slow reader
 * must not make us hold hundreds of parts.
 */
export const CONSENSUS_CHANNELS: readonly ChannelDescriptor[] = [
	{
		id: STATE_CHANNEL,
		name: "state",
		priority: 6,
		sendQueueCapacity: 100,
		sendQueueBytes: 262_144,
		receiveMessageCapacity: MAX_MESSAGE_SIZE,
	},
	{
		id: DATA_CHANNEL,
		name: "data",
		priority: 10,
		sendQueueCapacity: 100,
		sendQueueBytes: 2_097_152,
		receiveMessageCapacity: MAX_MESSAGE_SIZE,
	},
	{
		id: VOTE_CHANNEL,
		name: "vote",
		priority: 7,
		sendQueueCapacity: 100,
		sendQueueBytes: 2_097_152,
		receiveMessageCapacity: MAX_MESSAGE_SIZE,
	},
	{
		id: VOTE_SET_BITS_CHANNEL,
		name: "vote set bits",
		priority: 1,
		sendQueueCapacity: 2,
		sendQueueBytes: 262_144,
		receiveMessageCapacity: MAX_MESSAGE_SIZE,
	},
];

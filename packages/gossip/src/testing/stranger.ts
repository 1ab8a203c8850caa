import type { ChannelDescriptor, ChannelHandler, Peer } from "@cairn/network";
import { CONSENSUS_CHANNELS } from "../consensus/channels.ts";
import { type ConsensusMessage, decodeConsensusMessage, encodeConsensusMessage } from "../consensus/messages.ts";

export interface Heard {
	readonly channelId: number;
	readonly message: ConsensusMessage;
}

/** The other end of a link, played by a test: says what the test wants and remembers what it hears. */
export class Stranger implements ChannelHandler {
	readonly name = "stranger";
	readonly channels: readonly ChannelDescriptor[] = CONSENSUS_CHANNELS;
	readonly heard: Heard[] = [];
	peer: Peer | null = null;

	addPeer(peer: Peer): void {
		this.peer = peer;
	}

	removePeer(): void {
		this.peer = null;
	}

	receive(_peer: Peer, channelId: number, bytes: Uint8Array): void {
		this.heard.push({ channelId, message: decodeConsensusMessage(bytes) });
	}

	say(channelId: number, message: ConsensusMessage): void {
		this.sayBytes(channelId, encodeConsensusMessage(message));
	}

	sayBytes(channelId: number, bytes: Uint8Array): void {
		this.peer?.send(channelId, bytes);
	}

	/** What it heard of one kind, and forgets nothing. */
	of<Kind extends ConsensusMessage["kind"]>(kind: Kind): Extract<ConsensusMessage, { kind: Kind }>[] {
		return this.heard
			.map(({ message }) => message)
			.filter((message): message is Extract<ConsensusMessage, { kind: Kind }> => message.kind === kind);
	}

	forget(): void {
		this.heard.length = 0;
	}
}

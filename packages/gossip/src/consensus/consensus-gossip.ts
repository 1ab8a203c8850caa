import type { EngineEvent } from "@cairn/consensus";
import type { Gauge, Logger, Timer } from "@cairn/kit";
import type { ChannelDescriptor, ChannelHandler, Peer } from "@cairn/network";
import type { ChainState, Height, Vote } from "@cairn/types";
import { Announcer } from "./announcer.ts";
import { CONSENSUS_CHANNELS, STATE_CHANNEL } from "./channels.ts";
import { Companion } from "./companion.ts";
import { ConsensusContext, type ConsensusGossipOptions, type ConsensusGossipParts } from "./context.ts";
import { Inbox } from "./inbox.ts";
import { encodeConsensusMessage, nameOfConsensusMessage } from "./messages.ts";
import { type PeerStateJson, peerStateJson } from "./peer-state-json.ts";
import { majoritiesFor } from "./plan.ts";
import { Pump } from "./pump.ts";

/** First time after which a peer that does not move is sent again what it may have dropped; doubles each time. */
const FIRST_PATIENCE_MS = 10_000;
const LAST_PATIENCE_MS = 320_000;
/** A peer that has just told where it stands is sent everything again after so long, unless it has moved on. */
const FIRST_DOUBT_MS = 150;

/** Tells how far a peer is. */
export type PeerMovedListener = (peer: Peer, height: Height) => void;

/**
 * Consensus over the network: CometBFT's reactor (consensus/reactor.go) without its polling. Whatever changes, the engine's
 * state, what a peer is known to have, room in a queue, leads to a look at what peers lack, once per turn of the event loop.
 */
export class ConsensusGossip implements ChannelHandler {
	readonly name = "consensus";
	readonly channels: readonly ChannelDescriptor[] = CONSENSUS_CHANNELS;
	readonly #context: ConsensusContext;
	readonly #pump: Pump;
	readonly #announcer: Announcer;
	readonly #inbox: Inbox;
	readonly #logger: Logger;
	readonly #peerHeight: Gauge;
	readonly #listeners: PeerMovedListener[] = [];
	/** The engine has announced something since the last look. */
	#isNews = false;
	#isFlushDue = false;
	#isPumpDue = false;
	#isScheduled = false;
	#isStopped = false;
	#arrivalTimer: Timer | null = null;
	#queryTimer: Timer | null = null;

	constructor(options: ConsensusGossipOptions, parts: ConsensusGossipParts) {
		this.#context = new ConsensusContext(options, parts);
		this.#pump = new Pump(this.#context);
		this.#announcer = new Announcer(this.#context);
		this.#inbox = new Inbox(this.#context);
		this.#logger = parts.logger.child({ module: "consensus" });
		this.#peerHeight = parts.metrics.gauge("consensus_peer_height", "Height of each peer.", ["peer_id"]);
	}

	/** Starts asking peers about majorities. */
	start(): void {
		this.#queryLater();
	}

	/** Stops the timers; nothing is sent any more. */
	stop(): void {
		this.#isStopped = true;
		this.#announcer.stop();
		this.#arrivalTimer?.cancel();
		this.#queryTimer?.cancel();
	}

	/**
	 * While blocks are synced, proposals, parts and votes are ignored and peers are not told where we stand. When that ends,
	 * call it after everything that handles messages is ready: peers answer our first step at once.
	 */
	setSyncing(isSyncing: boolean): void {
		const before = this.#context.syncing;
		this.#context.syncing = isSyncing;
		if (before === isSyncing) return;
		this.#announcer.step();
		this.#schedule(true, true);
	}

	/** Height that a peer told; 0 while it has not. */
	heightOf(peerId: string): Height {
		return this.#context.companions.get(peerId)?.state.height ?? 0;
	}

	/** Calls whenever a peer tells of another height. */
	onPeerMoved(listener: PeerMovedListener): void {
		this.#listeners.push(listener);
	}

	/** The peers' round states, for `dump_consensus_state`. */
	peerStates(): PeerStateJson[] {
		return [...this.#context.companions.values()].map(peerStateJson);
	}

	// ------------------------------------------------------------------------------------------------ the engine's events

	/**
	 * A turn of the engine is over: all that it stands on is durable, and peers may be sent what they lack. They are, before
	 * this returns, when something is new: the next turn may wait for the disk.
	 */
	settled(): void {
		if (this.#isNews) this.#lookNow();
		else this.#schedule(false, true);
	}

	announced(event: EngineEvent): void {
		switch (event.name) {
			case "NewRoundStep":
				this.#announcer.step();
				break;
			case "ValidBlock":
			case "CompleteProposal":
				this.#announcer.block();
				break;
			case "Vote": {
				const vote = voteOf(event.message);
				if (vote !== null) this.#announcer.vote(vote);
				break;
			}
			default:
				return;
		}
		this.#isNews = true;
		this.#schedule(true, false);
	}

	/** A block was decided, stored and executed; the engine's own turn follows. */
	applied(_state: ChainState): void {}

	// ------------------------------------------------------------------------------------------------ the network's events

	addPeer(peer: Peer): void {
		const companion = new Companion(peer, this.#context.parts.world.clock.mono(), FIRST_PATIENCE_MS);
		this.#context.companions.set(peer.id, companion);
		this.#announcer.welcome(companion);
	}

	removePeer(peer: Peer): void {
		const companion = this.#context.companions.get(peer.id);
		if (companion?.peer !== peer) return;
		this.#context.companions.delete(peer.id);
		this.#announcer.forget(companion);
	}

	receive(peer: Peer, channelId: number, message: Uint8Array): void {
		const companion = this.#context.companions.get(peer.id);
		if (companion === undefined) return;
		const { height, round } = companion.state;
		const consequence = this.#inbox.receive(companion, channelId, message);
		if (companion.state.height !== height) this.#moved(companion);
		if (height === 0 && companion.state.height !== 0) this.#sendAgainOnce(companion);
		if (companion.state.height !== height || companion.state.round !== round) companion.patience = FIRST_PATIENCE_MS;
		this.#watchArrivals();
		if (consequence === "part") this.#schedule(false, true);
		else if (consequence === "look" && !this.#context.parts.busy()) this.#pump.one(companion);
	}

	/**
	 * A CometBFT node that ends block sync tells where it stands a moment before it stops ignoring what it is sent, and our
	 * answer may be quicker than that.
	 */
	#sendAgainOnce(companion: Companion): void {
		const { height, round } = companion.state;
		this.#context.parts.world.timers.after(FIRST_DOUBT_MS, () => {
			const { peer, state } = companion;
			if (this.#isStopped || this.#context.companions.get(peer.id) !== companion) return;
			if (state.height !== height || state.round !== round) return;
			state.forgetAssumed();
			this.#schedule(false, true);
		});
	}

	#moved({ peer, state }: Companion): void {
		this.#peerHeight.set(state.height, { peer_id: peer.id });
		for (const listener of this.#listeners) listener(peer, state.height);
	}

	drained(peer: Peer, channelId: number): void {
		const companion = this.#context.companions.get(peer.id);
		if (companion === undefined) return;
		if (channelId === STATE_CHANNEL) this.#announcer.drained(companion);
		else if (!this.#context.parts.busy()) this.#pump.one(companion);
	}

	messageType(_channelId: number, message: Uint8Array): string {
		return nameOfConsensusMessage(message);
	}

	// ------------------------------------------------------------------------------------------------ when to look

	/** Everything that happens in one turn of the event loop is followed by one look. */
	#schedule(isFlush: boolean, isPump: boolean): void {
		this.#isFlushDue ||= isFlush;
		this.#isPumpDue ||= isPump;
		if (this.#isScheduled) return;
		this.#isScheduled = true;
		void Promise.resolve().then(() => this.#look());
	}

	#lookNow(): void {
		this.#isPumpDue = true;
		this.#look();
	}

	#look(): void {
		this.#isScheduled = false;
		if (this.#isStopped) return;
		if (this.#isFlushDue) {
			this.#isFlushDue = false;
			this.#announcer.flush();
		}
		// A turn that runs ends with `settled`.
		if (!this.#isPumpDue || this.#context.parts.busy()) return;
		this.#isPumpDue = false;
		this.#isNews = false;
		this.#pump.all();
	}

	/** After a while, what came from peers is passed on to those who did not get it elsewhere. */
	#watchArrivals(): void {
		const { arrivals, options, parts } = this.#context;
		if (this.#arrivalTimer !== null || this.#isStopped || arrivals.isEmpty) return;
		const { clock, timers } = parts.world;
		const due = clock.mono() + options.gossipSleepMs;
		this.#arrivalTimer = timers.after(options.gossipSleepMs, () => {
			this.#arrivalTimer = null;
			this.#context.mayLearn = clock.mono() - due < options.gossipSleepMs / 2;
			arrivals.rotate();
			this.#watchArrivals();
			this.#schedule(false, true);
		});
	}

	#queryLater(): void {
		const { options, parts } = this.#context;
		this.#queryTimer = parts.world.timers.after(options.queryMaj23SleepMs, () => {
			if (this.#isStopped) return;
			this.#queryLater();
			if (!this.#context.syncing) for (const companion of this.#context.companions.values()) this.#query(companion);
		});
	}

	/** Asks a peer which votes it has for blocks with a majority, and loses patience with one that does not move. */
	#query(companion: Companion): void {
		const { peer, state } = companion;
		const own = this.#context.own();
		for (const claim of majoritiesFor(own, state)) {
			peer.send(STATE_CHANNEL, encodeConsensusMessage({ kind: "voteSetMaj23", ...claim }));
		}
		const now = this.#context.parts.world.clock.mono();
		if (state.height === 0 || state.height > own.round.height || now - companion.movedAt < companion.patience) return;
		companion.movedAt = now;
		companion.patience = Math.min(2 * companion.patience, LAST_PATIENCE_MS);
		state.forgetAssumed();
		this.#logger.debug("peer does not move: sending again", {
			peer: peer.id,
			height: state.height,
			round: state.round,
		});
		this.#schedule(false, true);
	}
}

function voteOf(message: object | null): Vote | null {
	if (message === null) return null;
	if ("vote" in message) return message.vote as Vote;
	return "validatorIndex" in message ? (message as Vote) : null;
}

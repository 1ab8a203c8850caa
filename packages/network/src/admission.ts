import { CairnError, type Clock } from "@cairn/kit";
import { FaultLedger } from "./fault-ledger.ts";
import { isRoutable, parseIp } from "./ip-address.ts";
import { MAX_FAULTS_PER_IP, MAX_FAULTS_PER_PEER } from "./limits.ts";
import { idProblem, type PeerAddress, parsePeerAddress } from "./peer-address.ts";
import type { PeerSet } from "./peer-set.ts";
import { refusal } from "./refusal.ts";
import type { SwitchboardOptions } from "./switchboard-options.ts";
import type { Upgrade } from "./upgrade.ts";

/** A connection on its way to a peer: dialled, or come in and with a proven id. It holds a place. */
export interface Pending {
	readonly id: string;
	readonly outbound: boolean;
	/** Undefined while the socket of a dial is being connected. */
	upgrade: Upgrade | undefined;
	/** Set when another connection to the same node is preferred. */
	cancelled: Error | undefined;
}

/** Reads ids of config.toml. @throws CairnError `p2p-malformed-id` */
function checkedIds(ids: readonly string[], key: string): string[] {
	return ids.map((id, index) => {
		const problem = idProblem(id);
		if (problem === undefined) return id.toLowerCase();
		throw new CairnError("p2p-malformed-id", "operator", `${key}, entry ${index + 1}: ${problem}`, { key, id });
	});
}

/** Who may be a peer: names, limits and bans. */
export class Admission {
	readonly #options: SwitchboardOptions;
	readonly #ownId: string;
	readonly #clock: Clock;
	readonly #peers: PeerSet;
	readonly #ledger = new FaultLedger();
	readonly #persistent = new Map<string, PeerAddress>();
	readonly #unconditional = new Set<string>();
	readonly #private = new Set<string>();
	/** By id. */
	readonly pending = new Map<string, Pending>();

	/** @throws CairnError that names what in the options is malformed */
	constructor(options: SwitchboardOptions, ownId: string, clock: Clock, peers: PeerSet) {
		this.#options = options;
		this.#ownId = ownId;
		this.#clock = clock;
		this.#peers = peers;
		for (const text of options.persistentPeers) this.addPersistent(parsePeerAddress(text));
		this.addUnconditional(options.unconditionalPeerIds);
		this.addPrivate(options.privatePeerIds);
	}

	addPersistent(address: PeerAddress): void {
		this.#persistent.set(address.id, address);
		this.#ledger.forgive(`id:${address.id}`);
	}

	addUnconditional(ids: readonly string[]): void {
		for (const id of checkedIds(ids, "unconditional_peer_ids")) this.#unconditional.add(id);
	}

	addPrivate(ids: readonly string[]): void {
		for (const id of checkedIds(ids, "private_peer_ids")) this.#private.add(id);
	}

	persistentAddress(id: string): PeerAddress | undefined {
		return this.#persistent.get(id);
	}

	get persistentAddresses(): PeerAddress[] {
		return [...this.#persistent.values()];
	}

	isUnconditional(id: string): boolean {
		return this.#unconditional.has(id);
	}

	isPrivate(id: string): boolean {
		return this.#private.has(id);
	}

	/** True for peers that limits and bans do not touch. */
	isPrivileged(id: string): boolean {
		return this.#unconditional.has(id) || this.#persistent.has(id);
	}

	/** Peers and those about to be, without the privileged. */
	count(outbound: boolean): number {
		let count = 0;
		for (const peer of this.#peers.list) if (peer.outbound === outbound && !this.isPrivileged(peer.id)) count++;
		for (const each of this.pending.values()) if (each.outbound === outbound && !this.isPrivileged(each.id)) count++;
		return count;
	}

	/** Why nobody from this address may start a handshake with us, or undefined. */
	refuseAddress(ip: string | undefined): Error | undefined {
		if (ip !== undefined && !this.#options.allowDuplicateIp && this.#peers.hasIp(ip)) {
			return refusal("p2p-duplicate-ip", `ip<${ip}> already connected`, { ip });
		}
		return undefined;
	}

	/**
	 * As `refuseAddress`, for one that came in: while only strangers can come, a full or banned house does not
	 * listen.
	 */
	refuseStranger(ip: string | undefined): Error | undefined {
		const refused = this.refuseAddress(ip);
		if (refused !== undefined || this.#awaitsPrivileged()) return refused;
		if (ip !== undefined && this.#isBanned(`ip:${ip}`)) return banned(ip);
		return this.#fullInbound();
	}

	#awaitsPrivileged(): boolean {
		for (const ids of [this.#unconditional, this.#persistent.keys()]) {
			for (const id of ids) if (!this.#peers.has(id)) return true;
		}
		return false;
	}

	#fullInbound(): Error | undefined {
		const have = this.count(false);
		const max = this.#options.maxNumInboundPeers;
		return have < max ? undefined : refusal("p2p-full", "already have enough inbound peers", { have, max });
	}

	/** Why this address must not be dialled now, or undefined. */
	refuseDial(address: PeerAddress): Error | undefined {
		const { id, host } = address;
		if (id === this.#ownId) return refusal("p2p-self", `self ID<${id}>`, { id });
		if (this.#peers.has(id) || this.pending.has(id)) {
			const text = `connection with ${id}@${host} has been established or dialed`;
			return refusal("p2p-already-dialing", text, { id, host });
		}
		const duplicate = this.refuseAddress(address.ip === undefined ? undefined : host);
		if (duplicate !== undefined || this.isPrivileged(id)) return duplicate;
		if (this.#isBanned(`id:${id}`)) return banned(id);
		const have = this.count(true);
		const max = this.#options.maxNumOutboundPeers;
		return have < max ? undefined : refusal("p2p-full", "already have enough outbound peers", { have, max });
	}

	/** Why the node that has proven this id may not become a peer, or undefined; places are not counted. */
	refuseIdentity(id: string, ip: string | undefined): Error | undefined {
		if (id === this.#ownId) return refusal("p2p-self", `self ID<${id}>`, { id });
		if (this.#peers.has(id)) return refusal("p2p-duplicate-id", `duplicate ID<${id}>`, { id });
		const duplicate = this.refuseAddress(ip);
		if (duplicate !== undefined || this.isPrivileged(id)) return duplicate;
		if (this.#isBanned(`id:${id}`)) return banned(id);
		return ip !== undefined && this.#isBanned(`ip:${ip}`) ? banned(ip) : undefined;
	}

	/**
	 * Gives an inbound connection its place. When we are dialling the same node, both sides must keep the same
	 * connection: that of the lower id. Go just refuses the second, and sometimes each side refuses the other's.
	 * @throws CairnError when it is refused
	 */
	enter(id: string, ip: string | undefined, upgrade: Upgrade): Pending {
		const refused = this.refuseIdentity(id, ip) ?? (this.isPrivileged(id) ? undefined : this.#fullInbound());
		if (refused !== undefined) throw refused;
		const rival = this.pending.get(id);
		if (rival !== undefined) {
			const keepsRival = !rival.outbound || (rival.upgrade !== undefined && this.#ownId < id);
			const text = `duplicate ID<${id}>: another connection is in its handshake`;
			const error = refusal("p2p-duplicate-id", text, { id });
			if (keepsRival) throw error;
			rival.cancelled = error;
			rival.upgrade?.abort(error);
		}
		const pending: Pending = { id, outbound: false, upgrade, cancelled: undefined };
		this.pending.set(id, pending);
		return pending;
	}

	/** Gives the place back. */
	leave(pending: Pending): void {
		if (this.pending.get(pending.id) === pending) this.pending.delete(pending.id);
	}

	/**
	 * Counts a fault of an id, an address or both; the privileged are not counted, nor addresses that many machines
	 * may share. Gives the longest ban that begins with it (milliseconds), else 0.
	 */
	fault(id: string | undefined, ip: string | undefined): number {
		if (id !== undefined && this.isPrivileged(id)) return 0;
		const now = this.#clock.mono();
		const ofId = id === undefined ? 0 : this.#ledger.record(`id:${id}`, MAX_FAULTS_PER_PEER, now);
		const address = ip === undefined ? undefined : parseIp(ip);
		const isPublic = address !== undefined && isRoutable(address);
		const ofIp = isPublic ? this.#ledger.record(`ip:${ip}`, MAX_FAULTS_PER_IP, now) : 0;
		return Math.max(ofId, ofIp);
	}

	#isBanned(key: string): boolean {
		return this.#ledger.isBanned(key, this.#clock.mono());
	}
}

function banned(who: string): Error {
	return refusal("p2p-banned", `${who} is banned for its faults`, { who });
}

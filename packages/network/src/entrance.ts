import { CairnError, type Connection, type Logger, messageOf } from "@cairn/kit";
import type { Admission, Pending } from "./admission.ts";
import { firstRefusal } from "./filter.ts";
import { HalfOpen } from "./half-open.ts";
import type { Peer } from "./peer.ts";
import { dialString, formatPeerAddress, type PeerAddress, socketIp } from "./peer-address.ts";
import { isFault, isOurs, refusal } from "./refusal.ts";
import type { PeerCandidate, SwitchboardOptions, SwitchboardParts } from "./switchboard-options.ts";
import { Upgrade, type Upgraded } from "./upgrade.ts";

export interface EntranceParts extends Pick<SwitchboardParts, "world" | "nodeKey" | "nodeInfo"> {
	readonly admission: Admission;
	readonly logger: Logger;
	/** Makes a peer of a node that has passed everything; its connection is paused. */
	readonly welcome: (candidate: PeerCandidate, upgraded: Upgraded, upgrade: Upgrade) => Peer;
	/** A connection that came in from this node has failed: if it is persistent it may have to be dialled. */
	readonly missed: (id: string) => void;
	/** Something of ours is broken. */
	readonly fatal: (error: unknown) => void;
}

/** The way in for connections that come in and for those we dial: from a socket to a peer. */
export class Entrance {
	readonly #options: SwitchboardOptions;
	readonly #parts: EntranceParts;
	readonly #halfOpen: HalfOpen;
	#closed = false;

	constructor(options: SwitchboardOptions, parts: EntranceParts) {
		this.#options = options;
		this.#parts = parts;
		this.#halfOpen = new HalfOpen(options.maxHalfOpen);
	}

	/** Connections that came in and are not upgraded yet. */
	get halfOpen(): number {
		return this.#halfOpen.size;
	}

	/** Ends all that is on its way in; nobody gets in any more. */
	close(): void {
		this.#closed = true;
		this.#halfOpen.abortAll(stopped());
		for (const pending of this.#parts.admission.pending.values()) pending.upgrade?.abort(stopped());
	}

	/** A connection has come in. */
	accept(connection: Connection): void {
		const ip = socketIp(connection.remoteAddress);
		const { admission } = this.#parts;
		const refused = this.#closed ? stopped() : admission.refuseStranger(ip);
		if (refused !== undefined) {
			connection.destroy();
			this.#rejected(refused, connection.remoteAddress, undefined);
			return;
		}
		let pending: Pending | undefined;
		const enter = (id: string): void => {
			pending = admission.enter(id, ip, upgrade);
		};
		const upgrade: Upgrade = this.#upgrade(connection, undefined, enter, (outcome) => {
			this.#halfOpen.delete(upgrade);
			void this.#settle(outcome, upgrade, pending);
		});
		this.#halfOpen.add(upgrade);
	}

	/** Dials once. Rejects with a CairnError that says why it does not become a peer. */
	async connect(address: PeerAddress): Promise<Peer> {
		const { admission, logger, world } = this.#parts;
		const refused = this.#closed ? stopped() : admission.refuseDial(address);
		if (refused !== undefined) throw refused;
		const pending: Pending = { id: address.id, outbound: true, upgrade: undefined, cancelled: undefined };
		admission.pending.set(address.id, pending);
		try {
			logger.debug("Dialing peer", { address: formatPeerAddress(address) });
			const connection = await world.network.dial(`tcp://${dialString(address)}`, this.#options.dialTimeoutMs);
			return await this.#introduce(connection, pending);
		} finally {
			admission.leave(pending);
		}
	}

	async #introduce(connection: Connection, pending: Pending): Promise<Peer> {
		const { admission } = this.#parts;
		const ip = socketIp(connection.remoteAddress);
		const refused = this.#closed ? stopped() : (pending.cancelled ?? admission.refuseAddress(ip));
		if (refused !== undefined) {
			connection.destroy();
			throw refused;
		}
		const check = (id: string): void => {
			const reason = admission.refuseIdentity(id, ip);
			if (reason !== undefined) throw reason;
		};
		const outcome = await new Promise<Upgraded | Error>((resolve) => {
			pending.upgrade = this.#upgrade(connection, pending.id, check, resolve);
		});
		try {
			if (outcome instanceof Error || pending.upgrade === undefined) throw outcome;
			return await this.#admit(outcome, pending.upgrade, pending);
		} catch (error) {
			if (isOurs(error)) this.#parts.fatal(error);
			if (isFault(error)) this.#fault(error, pending.upgrade?.provenId, ip);
			throw error;
		}
	}

	#upgrade(
		connection: Connection,
		expectedId: string | undefined,
		checkIdentity: (id: string) => void,
		done: (outcome: Upgraded | Error) => void,
	): Upgrade {
		const { nodeKey, nodeInfo, world } = this.#parts;
		const { handshakeTimeoutMs } = this.#options;
		return new Upgrade(connection, { nodeKey, nodeInfo, handshakeTimeoutMs, world, expectedId, checkIdentity }, done);
	}

	async #settle(outcome: Upgraded | Error, upgrade: Upgrade, pending: Pending | undefined): Promise<void> {
		try {
			if (outcome instanceof Error || pending === undefined) throw outcome;
			await this.#admit(outcome, upgrade, pending);
		} catch (error) {
			if (isOurs(error)) this.#parts.fatal(error);
			this.#rejected(error, upgrade.remoteAddress, upgrade.provenId);
			if (pending === undefined) return;
			this.#parts.admission.leave(pending);
			this.#parts.missed(pending.id);
		}
	}

	/** The last questions to a node that is known. Synchronous where there are no filters. */
	async #admit(upgraded: Upgraded, upgrade: Upgrade, pending: Pending): Promise<Peer> {
		const { admission, welcome } = this.#parts;
		const { id, nodeInfo } = upgraded;
		const { remoteAddress } = upgrade;
		const ip = socketIp(remoteAddress);
		const candidate = { id, nodeInfo, outbound: pending.outbound, remoteAddress, remoteIp: ip ?? remoteAddress };
		try {
			if (this.#options.addressFilters.length + this.#options.peerFilters.length > 0) {
				const filtered = await firstRefusal(candidate, this.#options, this.#parts.world);
				if (filtered !== undefined) throw filtered;
			}
			if (this.#closed) throw stopped();
			if (pending.cancelled !== undefined) throw pending.cancelled;
			if (upgrade.isClosed) throw refusal("p2p-closed", "the other side ended the connection after the handshake");
			const refused = admission.refuseIdentity(id, ip);
			if (refused !== undefined) throw refused;
		} catch (error) {
			upgrade.abort(error instanceof Error ? error : new Error(String(error)));
			throw error;
		}
		admission.leave(pending);
		return welcome(candidate, upgraded, upgrade);
	}

	#rejected(error: unknown, remoteAddress: string, id: string | undefined): void {
		if (this.#closed) return;
		const fields = { err: messageOf(error), address: remoteAddress, ...(id === undefined ? {} : { id }) };
		const { logger } = this.#parts;
		// Of those that have not even shown who they are there may be any number.
		if (id === undefined) logger.debug("Inbound Peer rejected", fields);
		else if (error instanceof CairnError && error.code === "p2p-full") {
			logger.info("Ignoring inbound connection: already have enough inbound peers", { ...fields, ...error.details });
		} else logger.info("Inbound Peer rejected", fields);
		if (isFault(error)) this.#fault(error, id, socketIp(remoteAddress));
	}

	#fault(error: unknown, id: string | undefined, ip: string | undefined): void {
		const banMs = this.#parts.admission.fault(id, ip);
		if (banMs > 0)
			this.#parts.logger.info("Banning peer", { id: id ?? "", ip: ip ?? "", banMs, err: messageOf(error) });
	}
}

function stopped(): CairnError {
	return refusal("p2p-closed", "the switchboard has stopped");
}

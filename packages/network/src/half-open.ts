import { MAX_HALF_OPEN } from "./limits.ts";
import { socketIp } from "./peer-address.ts";
import { refusal } from "./refusal.ts";
import type { Upgrade } from "./upgrade.ts";

/**
 * Connections that came in and whose handshake is not over. There are never more than a fixed number; when one
 * more comes, one is closed: of the address that holds most of them, the one that has shown least, and of those
 * the oldest. So nobody has to wait in line behind strangers that say nothing (in CometBFT they take up the places
 * of peers).
 */
export class HalfOpen {
	readonly #capacity: number;
	/** Oldest first. */
	readonly #upgrades = new Set<Upgrade>();

	constructor(capacity: number = MAX_HALF_OPEN) {
		this.#capacity = capacity;
	}

	get size(): number {
		return this.#upgrades.size;
	}

	add(upgrade: Upgrade): void {
		this.#upgrades.add(upgrade);
		if (this.#upgrades.size > this.#capacity) this.#leastPromising(upgrade)?.abort(crowdedOut());
	}

	delete(upgrade: Upgrade): void {
		this.#upgrades.delete(upgrade);
	}

	/** Closes all of them. */
	abortAll(error: Error): void {
		for (const upgrade of [...this.#upgrades]) upgrade.abort(error);
		this.#upgrades.clear();
	}

	#leastPromising(newest: Upgrade): Upgrade | undefined {
		const counts = new Map<string, number>();
		for (const upgrade of this.#upgrades) {
			const ip = ipOf(upgrade);
			counts.set(ip, (counts.get(ip) ?? 0) + 1);
		}
		const most = Math.max(...counts.values());
		let worst: Upgrade | undefined;
		for (const upgrade of this.#upgrades) {
			if (upgrade === newest || counts.get(ipOf(upgrade)) !== most) continue;
			if (worst === undefined || upgrade.progress < worst.progress) worst = upgrade;
		}
		return worst;
	}
}

function ipOf(upgrade: Upgrade): string {
	return socketIp(upgrade.remoteAddress) ?? upgrade.remoteAddress;
}

function crowdedOut(): Error {
	return refusal("p2p-handshake-timeout", "closed before its handshake was over: too many connections in handshake");
}

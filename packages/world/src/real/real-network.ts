import { lookup } from "node:dns/promises";
import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type Server, Socket } from "node:net";
import type { Connection, Listener, Network } from "@cairn/kit";
import { CairnError, messageOf } from "@cairn/kit";
import { formatHostPort, parseSocketAddress, type SocketAddress } from "../address.ts";
import { diskError, systemCode } from "./os-errors.ts";
import { HIGH_WATER_MARK, RealConnection } from "./real-connection.ts";

const BACKLOG = 1024;
/** How long a left-over unix socket may take to prove that somebody still answers on it. */
const PROBE_MS = 1000;

/** TCP and unix sockets of the machine. TCP connections have Nagle's delay off and keep-alive on. */
export class RealNetwork implements Network {
	async listen(address: string, onConnection: (connection: Connection) => void): Promise<Listener> {
		const target = parseSocketAddress(address);
		const options = { pauseOnConnect: true, noDelay: true, keepAlive: true, highWaterMark: HIGH_WATER_MARK };
		const server = createServer(options, (socket) => onConnection(new RealConnection(socket)));
		try {
			await bind(server, target);
		} catch (cause) {
			const free =
				target.kind === "unix" && systemCode(cause) === "EADDRINUSE" && (await removeDeadSocket(target.path));
			if (!free) throw listenError(cause, address);
			await bind(server, target).catch((again: unknown) => {
				throw listenError(again, address);
			});
		}
		// A failed accept (too many open files) must not end the process; the connection is simply not made.
		server.on("error", () => undefined);
		return new RealListener(server, target);
	}

	async dial(address: string, timeoutMs: number): Promise<Connection> {
		const target = parseSocketAddress(address);
		return new Promise((resolve, reject) => {
			const socket = open(target);
			const timer = setTimeout(() => {
				socket.destroy();
				reject(dialError("dial-timeout", address, `no answer within ${timeoutMs} ms`));
			}, timeoutMs);
			socket.once("error", (cause) => {
				clearTimeout(timer);
				const code = systemCode(cause) === "ECONNREFUSED" ? "dial-refused" : "dial-failed";
				reject(dialError(code, address, messageOf(cause), cause));
			});
			socket.once("connect", () => {
				clearTimeout(timer);
				socket.removeAllListeners("error");
				resolve(new RealConnection(socket));
			});
		});
	}

	async lookup(host: string): Promise<readonly string[]> {
		try {
			return (await lookup(host, { all: true })).map((found) => found.address);
		} catch (cause) {
			const message = `the host name ${host} has no address: ${messageOf(cause)}; check the name and the machine's DNS`;
			throw new CairnError("host-unknown", "operator", message, { host }, cause);
		}
	}
}

class RealListener implements Listener {
	readonly address: string;
	readonly #server: Server;

	constructor(server: Server, target: SocketAddress) {
		this.#server = server;
		const bound = server.address();
		if (target.kind === "unix" || bound === null || typeof bound === "string") {
			this.address = target.kind === "unix" ? target.path : formatHostPort(target.host, target.port);
		} else this.address = formatHostPort(bound.address, bound.port);
	}

	/** Resolves once nobody can connect any more; connections that exist live on. */
	async close(): Promise<void> {
		if (!this.#server.listening) return;
		this.#server.close();
		// libuv frees the descriptor (and unlinks a unix socket) within the turn that follows.
		await new Promise<void>((resolve) => {
			setImmediate(resolve);
		});
	}
}

function open(target: SocketAddress): Socket {
	// `connect` passes its options to the constructor of Socket, which knows the stream's; the types do not say so.
	const marks = { readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK };
	if (target.kind === "unix")
		return connect({ path: target.path, ...marks } as Parameters<Socket["connect"]>[0] & object);
	const host = target.host === "" ? "127.0.0.1" : target.host;
	return connect({ host, port: target.port, noDelay: true, keepAlive: true, ...marks });
}

function bind(server: Server, target: SocketAddress): Promise<void> {
	return new Promise((resolve, reject) => {
		const onError = (cause: Error): void => reject(cause);
		server.once("error", onError);
		const where =
			target.kind === "unix"
				? { path: target.path }
				: { port: target.port, ...(target.host === "" ? {} : { host: target.host }) };
		server.listen({ ...where, backlog: BACKLOG }, () => {
			server.removeListener("error", onError);
			resolve();
		});
	});
}

/** Removes a socket file that no process listens on any more. True if the path is free now. */
async function removeDeadSocket(path: string): Promise<boolean> {
	const found = await lstat(path).catch(() => undefined);
	if (found === undefined) return true;
	if (!found.isSocket()) return false;
	const refused = await new Promise<boolean>((resolve) => {
		const probe = new Socket();
		const finish = (isRefused: boolean): void => {
			probe.destroy();
			resolve(isRefused);
		};
		probe.setTimeout(PROBE_MS, () => finish(false));
		probe.once("error", (cause) => finish(systemCode(cause) === "ECONNREFUSED"));
		probe.connect({ path }, () => finish(false));
	});
	if (refused) await unlink(path).catch(() => undefined);
	return refused;
}

function listenError(cause: unknown, address: string): CairnError {
	const errno = systemCode(cause);
	const details = { address, errno };
	const hint = "change the laddr of this service in config/config.toml";
	switch (errno) {
		case "EADDRINUSE": {
			const message = `${address} is already in use: stop the program that listens there, or ${hint}`;
			return new CairnError("address-in-use", "operator", message, details, cause);
		}
		case "EADDRNOTAVAIL": {
			const message = `${address} is not an address of this machine: ${hint}`;
			return new CairnError("address-unavailable", "operator", message, details, cause);
		}
		case "ENOTFOUND":
			return new CairnError(
				"host-unknown",
				"operator",
				`${address}: the host name has no address; ${hint}`,
				details,
				cause,
			);
		case "EACCES": {
			const message = `listening on ${address} is not permitted: use a port above 1023 or a writable path (${hint})`;
			return new CairnError("address-denied", "operator", message, details, cause);
		}
		default:
			return diskError(cause, "listening on", address);
	}
}

function dialError(code: string, address: string, why: string, cause?: unknown): CairnError {
	return new CairnError(code, "peer", `connecting to ${address} failed: ${why}`, { address }, cause);
}

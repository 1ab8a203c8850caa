import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CairnError, type Connection, concatBytes, type Listener, type Network, utf8 } from "@cairn/kit";

interface Pair {
	readonly dialled: Connection;
	readonly accepted: Connection;
	readonly listener: Listener;
}

/** Listens, dials and hands over both ends of the connection. */
export async function connectPair(network: Network, address: string): Promise<Pair> {
	let accept: (connection: Connection) => void = () => undefined;
	const accepted = new Promise<Connection>((resolve) => {
		accept = resolve;
	});
	const listener = await network.listen(address, (connection) => accept(connection));
	const target = address.startsWith("unix://") ? address : `tcp://${listener.address}`;
	const dialled = await network.dial(target, 5000);
	return { dialled, accepted: await accepted, listener };
}

/** Everything the other end sends, until it closes. */
export function collect(connection: Connection): Promise<{ bytes: Uint8Array; error: Error | undefined }> {
	const parts: Uint8Array[] = [];
	return new Promise((resolve) => {
		connection.onClose = (error) => resolve({ bytes: concatBytes(...parts), error });
		connection.onData = (bytes) => parts.push(bytes);
	});
}

/** What every Network promises. `addresses` are free addresses to listen on. */
export function networkSuite(name: string, network: Network, addresses: { tcp: string; unix: string }): void {
	for (const [kind, address] of Object.entries(addresses)) {
		describe(`${name}: ${kind} connections`, () => {
			it("carry bytes both ways in order and end in order", async () => {
				const { dialled, accepted, listener } = await connectPair(network, address);
				const atDialled = collect(dialled);
				const atAccepted = collect(accepted);
				for (let i = 0; i < 500; i++) dialled.write(utf8(`${i},`));
				accepted.write(utf8("hello"));
				dialled.end();
				const received = await atAccepted;
				assert.deepEqual(received.bytes, utf8(Array.from({ length: 500 }, (_, i) => `${i},`).join("")));
				assert.equal(received.error, undefined);
				assert.deepEqual(await atDialled, { bytes: utf8("hello"), error: undefined });
				assert.equal(dialled.write(utf8("too late")), false);
				await listener.close();
			});

			it("hold back a sender whose receiver pauses", async () => {
				const { dialled, accepted, listener } = await connectPair(network, address);
				const atAccepted = collect(accepted);
				accepted.pause();
				const chunk = new Uint8Array(100_000).fill(7);
				let sent = 0;
				let accepting = true;
				while (accepting) {
					accepting = dialled.write(chunk);
					sent += chunk.length;
					assert.ok(sent < 1e9, "the sender was never held back");
				}
				assert.ok(dialled.pendingBytes > 0);
				const drained = new Promise<void>((resolve) => {
					dialled.onDrain = resolve;
				});
				accepted.resume();
				await drained;
				dialled.end();
				assert.equal((await atAccepted).bytes.length, sent);
				assert.equal(dialled.pendingBytes, 0);
				await listener.close();
			});

			it("lose nothing that arrives before anybody reads", async () => {
				const { dialled, accepted, listener } = await connectPair(network, address);
				accepted.write(utf8("greeting"));
				accepted.end();
				await new Promise((resolve) => {
					setImmediate(() => setImmediate(resolve));
				});
				assert.deepEqual((await collect(dialled)).bytes, utf8("greeting"));
				await listener.close();
			});

			it("tell both ends when one destroys them", async () => {
				const { dialled, accepted, listener } = await connectPair(network, address);
				const closed = Promise.all([collect(dialled), collect(accepted)]);
				dialled.destroy();
				await closed;
				await listener.close();
			});

			it("cannot be had on an address in use, and can again when it is free", async () => {
				const { dialled, accepted, listener } = await connectPair(network, address);
				const taken = address.startsWith("unix://") ? address : `tcp://${listener.address}`;
				await assert.rejects(
					network.listen(taken, () => undefined),
					(error) => {
						assert.ok(error instanceof CairnError);
						assert.equal(error.code, "address-in-use");
						assert.equal(error.blame, "operator");
						assert.ok(error.message.includes(taken) && error.message.includes("laddr"));
						return true;
					},
				);
				await listener.close();
				const again = await network.listen(taken, () => undefined);
				await again.close();
				dialled.destroy();
				accepted.destroy();
				await assert.rejects(network.dial(taken, 1000), { blame: "peer" });
			});
		});
	}

	describe(`${name}: addresses`, () => {
		it("says which addresses it cannot use", async () => {
			for (const bad of ["127.0.0.1:1", "udp://1.2.3.4:5", "tcp://host", "tcp://h:70000", "unix://", "tcp://::1:80"]) {
				await assert.rejects(network.dial(bad, 10), { code: "bad-address" }, bad);
			}
		});

		it("looks up what is an address already", async () => {
			assert.deepEqual(await network.lookup("127.0.0.1"), ["127.0.0.1"]);
		});
	});
}

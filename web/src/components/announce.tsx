// SPDX-License-Identifier: Apache-2.0
// What the page says when something was done: shown for some seconds, and read by screen readers.
import { useEffect, useState } from "preact/hooks";

interface Said {
	id: number;
	text: string;
}

let tell: (text: string) => void = () => {};

/** Says a sentence. */
export function announce(text: string) {
	tell(text);
}

const shown_ms = 6000;

export function Announcements() {
	const [said, said_set] = useState<Said[]>([]);
	useEffect(() => {
		let count = 0;
		tell = (text) => {
			const id = ++count;
			said_set((before) => [...before.slice(-2), { id, text }]);
			setTimeout(() => said_set((before) => before.filter((one) => one.id !== id)), shown_ms);
		};
		return () => {
			tell = () => {};
		};
	}, []);
	return (
		<div class="said" role="status" aria-live="polite">
			{said.map((one) => <div key={one.id}>{one.text}</div>)}
		</div>
	);
}

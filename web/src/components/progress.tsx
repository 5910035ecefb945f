// SPDX-License-Identifier: Apache-2.0
// How far long work is.
import { useState } from "preact/hooks";
import type { Progress, Tell } from "../core/follow";

/** How far the work at hand is, null without any; and what carries work out and has that told. */
export function useProgress(): [Progress | null, <T>(work: (tell: Tell) => Promise<T>) => Promise<T>] {
	const [progress, progress_set] = useState<Progress | null>(null);
	const carry_out = async <T,>(work: (tell: Tell) => Promise<T>) => {
		try {
			return await work(progress_set);
		} finally {
			progress_set(null);
		}
	};
	return [progress, carry_out];
}

export function ProgressBar({ label, progress }: { label: string; progress: Progress | null }) {
	if (!progress) return null;
	const known = progress.total !== null && progress.total > 0;
	return (
		<div class="progress">
			<progress aria-label={label} {...(known ? { max: progress.total!, value: progress.done } : {})} />
			<span class="small soft break">{progress.text}</span>
		</div>
	);
}

// SPDX-License-Identifier: Apache-2.0
// How far long work is.
import type { Progress } from "../core/follow";

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

/** A visible message; `place` is its turn, 0 while it is not visible. */
export interface Waiting {
  readonly group: string | undefined;
  place: number;
}

interface Lane<Item extends Waiting> {
  /** An item that left and returned occurs twice; the entry with its current turn is valid. */
  turns: { readonly item: Item; readonly place: number }[];
  head: number;
}

/** How far from the front a reordered receive reaches. */
const reorderWindow = 1000;

function first<Item extends Waiting>(lane: Lane<Item>): Item | undefined {
  for (; lane.head < lane.turns.length; lane.head++) {
    const turn = lane.turns[lane.head];
    if (turn && turn.item.place === turn.place) return turn.item;
  }
  return undefined;
}

function anyOf<Item extends Waiting>(lane: Lane<Item>): Item | undefined {
  const reach = Math.min(lane.turns.length - lane.head, reorderWindow);
  const turn = lane.turns[lane.head + Math.floor(Math.random() * reach)];
  return turn && turn.item.place === turn.place ? turn.item : first(lane);
}

/**
 * Visible messages, oldest turn first, quiet groups before noisy ones: a group is noisy with at least 30 messages
 * in flight that are more than a tenth of all (SQS fair queues, by the share of concurrency; the share of processing
 * time, which AWS also looks at, is left out).
 */
export class Backlog<Item extends Waiting> {
  #lanes = new Map<string, Lane<Item>>();
  #busy = new Map<string, number>();
  #inFlight = 0;
  #turn = 0;
  #size = 0;

  get size() {
    return this.#size;
  }

  add(item: Item) {
    const group = item.group ?? "";
    const lane = this.#lanes.get(group) ?? { turns: [], head: 0 };
    this.#lanes.set(group, lane);
    item.place = ++this.#turn;
    lane.turns.push({ item, place: item.place });
    this.#size++;
  }

  remove(item: Item) {
    if (item.place === 0) return;
    item.place = 0;
    this.#size--;
    const lane = this.#lanes.get(item.group ?? "");
    if (!lane) return;
    if (!first(lane)) this.#lanes.delete(item.group ?? "");
    else if (lane.head > reorderWindow && lane.head * 2 > lane.turns.length) {
      lane.turns = lane.turns.slice(lane.head);
      lane.head = 0;
    }
  }

  /** Several noisy groups: the one with the fewest in flight first. Messages without a group are never noisy. */
  #rank(group: string) {
    const busy = this.#busy.get(group) ?? 0;
    return group !== "" && busy >= 30 && busy * 10 > this.#inFlight ? busy : 0;
  }

  next(reorder: boolean): Item | undefined {
    let best: { lane: Lane<Item>; rank: number; turn: number } | undefined;
    for (const [group, lane] of this.#lanes) {
      const rank = this.#rank(group);
      const turn = reorder ? Math.random() : (first(lane)?.place ?? Number.POSITIVE_INFINITY);
      if (!best || rank < best.rank || (rank === best.rank && turn < best.turn)) best = { lane, rank, turn };
    }
    return best && (reorder ? anyOf(best.lane) : first(best.lane));
  }

  /** Counts a message of the group into flight (+1) or out of it (−1). */
  flight(group: string | undefined, change: 1 | -1) {
    this.#inFlight += change;
    if (group === undefined) return;
    const busy = (this.#busy.get(group) ?? 0) + change;
    if (busy > 0) this.#busy.set(group, busy);
    else this.#busy.delete(group);
  }
}

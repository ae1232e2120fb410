/** `events` → `Events`: what is declared in the topology, as the beginning of a component's name. */
export const capitalize = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

const signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 8;

/** Eight letters and digits at random (40 bits), as `orders.random_number()` draws them: it tells nothing of how many there are. */
export function newOrderNumber(): string {
  let number = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) number += signs[byte & 31];
  return number;
}

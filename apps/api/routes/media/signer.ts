import { openSigner, type Signer } from "../../../../media/index.ts";
import { perNode } from "../../http/per-node.ts";

/** Reads the secret at the first use; again at the next when the database is away. */
export const signerOf = perNode(({ sql }) => {
  let opened: Promise<Signer> | undefined;
  return (): Promise<Signer> => {
    opened ??= openSigner(sql).catch(error => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
});

/** The picture itself can't be used; anything else that goes wrong in the decoder is a crash. */
export class UnusableImage extends Error {
  override name = "UnusableImage";
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Crops: the part of a picture that fills a box of other proportions. Where the merchant has set a focal point, the part lies
 * around it as far as the picture's edges let it; else sharp's attention strategy looks for what catches the eye.
 */
import type { Sharp } from "sharp";

export type Point = { readonly x: number; readonly y: number };
type Box = { readonly width: number; readonly height: number };

/** The largest part of the picture with the box's proportions, around a point given in fractions. Always inside. */
export function partAround(picture: Box, box: Box, point: Point): Box & { left: number; top: number } {
  const scale = Math.min(picture.width / box.width, picture.height / box.height);
  const side = (length: number, most: number) => Math.min(most, Math.max(1, Math.round(length * scale)));
  const width = side(box.width, picture.width);
  const height = side(box.height, picture.height);
  const start = (centre: number, length: number, most: number) =>
    Math.min(most - length, Math.max(0, Math.round(centre * most - length / 2)));
  const left = start(point.x, width, picture.width);
  return { left, top: start(point.y, height, picture.height), width, height };
}

/** The box in pixels: smaller, with its proportions, for a picture that can't fill it. Never enlarged. */
export function croppedSize(picture: Box, box: Box): Box {
  const scale = Math.min(1, picture.width / box.width, picture.height / box.height);
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { width: side(box.width), height: side(box.height) };
}

export function crop(image: Sharp, picture: Box, size: Box, focalPoint: Point | null): Sharp {
  if (!focalPoint) return image.resize({ ...size, fit: "cover", position: "attention" });
  return image.extract(partAround(picture, size, focalPoint)).resize({ ...size, fit: "fill" });
}

/** Files by drag and drop, by choosing, or by pasting a picture. The button is a real one: the keyboard reaches it. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

type DropProps = {
  title: string;
  action: string;
  accept: string;
  multiple?: boolean;
  disabled?: boolean;
  onFiles: (files: File[]) => void;
  children?: ComponentChildren;
};

export function Drop({
  title,
  action,
  accept,
  multiple = false,
  disabled = false,
  onFiles,
  children,
}: DropProps) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = (list: FileList | null | undefined) => {
    const files = [...(list ?? [])].slice(0, multiple ? undefined : 1);
    if (files.length > 0 && !disabled) onFiles(files);
  };
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => take(event.clipboardData?.files);
    // A file that is dropped beside the frame must not replace the page.
    const keep = (event: DragEvent) => event.preventDefault();
    window.addEventListener("paste", onPaste);
    window.addEventListener("dragover", keep);
    window.addEventListener("drop", keep);
    return () => {
      window.removeEventListener("paste", onPaste);
      window.removeEventListener("dragover", keep);
      window.removeEventListener("drop", keep);
    };
  });
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files);
  };
  return (
    <section
      class="drop"
      aria-label={title}
      data-over={over}
      onDragOver={event => {
        event.preventDefault();
        setOver(!disabled);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <Icon name="up" size={24} />
      <strong>{title}</strong>
      {children && <p class="muted">{children}</p>}
      <Button tone="primary" disabled={disabled} onPress={() => input.current?.click()}>
        {action}
      </Button>
      <input
        ref={input}
        class="hidden-text"
        type="file"
        tabIndex={-1}
        aria-label={action}
        accept={accept}
        multiple={multiple}
        onChange={event => {
          take(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
    </section>
  );
}

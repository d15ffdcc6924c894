/** Tabs as the ARIA practices describe them: one stop for the Tab key, arrows choose. */
import type { ComponentChildren } from "preact";

type TabsProps<T extends string> = {
  name: string;
  tabs: readonly (readonly [T, string])[];
  chosen: T;
  choose: (tab: T) => void;
  children: ComponentChildren;
};

export function Tabs<T extends string>({ name, tabs, chosen, choose, children }: TabsProps<T>) {
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(([tab]) => tab === chosen);
    const [next] = tabs[(at + step + tabs.length) % tabs.length]!;
    choose(next);
    document.getElementById(`${name}-tab-${next}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" onKeyDown={onKey}>
        {tabs.map(([tab, title]) => (
          <button
            key={tab}
            type="button"
            class="tab"
            role="tab"
            id={`${name}-tab-${tab}`}
            aria-selected={tab === chosen}
            aria-controls={`${name}-panel`}
            tabIndex={tab === chosen ? 0 : -1}
            onClick={() => choose(tab)}
          >
            {title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${name}-panel`} aria-labelledby={`${name}-tab-${chosen}`}>
        {children}
      </div>
    </>
  );
}

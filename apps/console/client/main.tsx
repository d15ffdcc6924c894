import { render } from "preact";
import { useState } from "preact/hooks";

function App() {
  const [n, set] = useState(0);
  return (
    <button type="button" onClick={() => set(n + 1)}>
      {n}
    </button>
  );
}
render(<App />, document.getElementById("app")!);

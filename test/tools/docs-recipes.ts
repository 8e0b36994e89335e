/** The table of docs/recipes/README.md: what each recipe is for, and what it is tested with. */
import { codeLines, RECIPES, type Recipe } from "../built/recipes/table.js";
import { table } from "./docs-pages.js";

export function recipeTable(): string {
  return table(
    ["ecosystem", "recipe", "lines of code", "tested with"],
    RECIPES.map((recipe) => [
      recipe.ecosystem,
      `[${recipe.file}](${recipe.file})`,
      String(codeLines(recipe)),
      versionsOf(recipe),
    ]),
  );
}

function versionsOf({ packages }: Recipe): string {
  const shown = Object.entries(packages).filter(([name]) => !name.startsWith("@types/"));
  return shown.map(([name, version]) => `${name} ${version}`).join(", ") || "Node";
}

/**
 * The scripts that shells load to complete `peal …`. Those of zsh, fish and PowerShell are from \@bomb.sh/tab. The one
 * of bash is our own: that of tab needs the package bash-completion, runs what is written in the line as code, and
 * completes no files. All of them call `peal complete -- WORDS`. Used by completion; main thread.
 */
import { directives, type Shell } from './shells.js';

export async function scriptOf(shell: Shell): Promise<string> {
  if (shell === 'bash') return bashScript;
  // Not with this module: the bundle of the command requires its modules, and tab is an ES module.
  const { script } = await import('@bomb.sh/tab');
  const text = printedBy(() => script(shell, 'peal', 'peal'));
  // Else fish prints a trace at every key once peal is not there any more.
  return shell === 'fish' ? text.replace('(peal complete --', '(type -q peal; and peal complete --') : text;
}

/** What a function prints at once: tab hands its scripts out in no other way. */
function printedBy(print: () => void): string {
  const lines: string[] = [];
  const log = console.log;
  console.log = (line: string) => lines.push(line);
  try {
    print();
  } finally {
    console.log = log;
  }
  return `${lines.join('\n')}\n`;
}

/** Without what bash 3.2 has not, which is the one of macOS. */
const bashScript = `# bash completion for peal

_peal() {
  local program=$1 typed=\${COMP_LINE:0:COMP_POINT} word value description prefix='' directive=0 at found
  local -a words
  words=()
  COMPREPLY=()

  # COMP_WORDS is divided at = and :, too. Parts with no blank between them are one word.
  for ((at = 0; at <= COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    if ((at == 0)) || [[ $typed == [[:space:]]* ]]; then
      typed=\${typed#"\${typed%%[![:space:]]*}"}
      ((at < COMP_CWORD)) || word=$typed
      words+=("$word")
    else
      ((at < COMP_CWORD)) || word=$typed
      words[\${#words[@]}-1]+=$word
    fi
    typed=\${typed#"$word"}
  done

  # As it was typed where that is a path, which may be another copy.
  [[ $program == */* ]] || program=peal
  program=\${program/#\\~/$HOME}
  found=$("$program" complete -- "\${words[@]:1}" 2>/dev/null) || return 0

  # Where bash divides words at =, it replaces the value alone.
  word=\${words[\${#words[@]}-1]}
  if [[ $word == --*=* && $COMP_WORDBREAKS != *=* ]]; then prefix=\${word%%=*}=; fi

  while IFS=$'\\t' read -r value description; do
    case $value in
      :[0-9]*) directive=\${value#:} ;;
      ?*) COMPREPLY+=("$prefix$value") ;;
    esac
  done <<<"$found"

  # bash 3 has no compopt; it completes files where there is nothing else.
  if type compopt >/dev/null 2>&1; then
    if ((directive & ${directives.noFiles})); then compopt +o default; fi
    if ((directive & ${directives.foldersOnly})); then compopt +o default -o dirnames; fi
  fi
  return 0
}

complete -o default -F _peal peal
`;

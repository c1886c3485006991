/** The texts below the options in `--help`. Used by command-line; main thread. */

export const sendHelp = `
Exit codes:
  0  every recipient was accepted
  1  a fault of peal itself: please report it
  2  the command line, the message or the gateway address is wrong; nothing was
     sent
  3  finished, and some recipients were not accepted (invalid lines included)
  4  stopped early: the gateway could not be reached, or it refused everything
     for the same reason
  5  key, certificate or passphrase cannot be used, and nothing was sent; or the
     clock of this machine is wrong
  6  the list cannot be read or holds no tokens, or the files of --out cannot be
     written
  7  stopped by a bound that was given (--max-failures, --stop-on, --canary …);
     the same command goes on
  8  this process may open too few files (ulimit -n)
  129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM)

Example:
  peal send --tokens tokens.txt --alert 'Hello' --topic com.example.app \\
    --key AuthKey_ABCDE12345.p8 --key-id ABCDE12345 --team-id FGHIJ67890 \\
    --environment production --out run-1
`;

export const broadcastHelp = `
Exit codes:
  0  every channel was accepted
  2  the command line, the message or the gateway address is wrong; nothing was
     sent
  3  finished, and some channels were not accepted (invalid lines included)
  4  stopped early: the gateway could not be reached, had only temporary faults,
     or refused everything for the same reason
  5  key, certificate or passphrase cannot be used; nothing was sent
  6  a list cannot be read or holds no channels
  129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM)

Example:
  peal broadcast --bundle-id com.example.app --channel dHN0LXNyY2gtY2hubA== \\
    --content-state '{"score":"2:1"}' --expiration 1h \\
    --key AuthKey_ABCDE12345.p8 --key-id ABCDE12345 --team-id FGHIJ67890 \\
    --environment production
`;

export const doctorHelp = `
Exit codes:
  0  no step has failed
  2  the command line, the address or the topic is wrong
  4  there is no way to the gateway, or it does not answer
  5  the credential cannot be used, or is refused, or the clock is wrong
  8  this process may open too few files (ulimit -n)
  129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM)

Example:
  peal doctor --environment production --topic com.example.app \\
    --key AuthKey_ABCDE12345.p8 --key-id ABCDE12345 --team-id FGHIJ67890
`;

export const completionHelp = `
What loads it, each time that a shell starts:
  bash        echo 'source <(peal completion bash)' >> ~/.bashrc
  zsh         echo 'source <(peal completion zsh)' >> ~/.zshrc
              (below the line with compinit)
  fish        peal completion fish > ~/.config/fish/completions/peal.fish
  PowerShell  Add-Content $PROFILE \`
                'peal completion powershell | Out-String | Invoke-Expression'
`;

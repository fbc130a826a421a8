from netwright.cli.main import main

main()

"""Print a config with everything that it inherits."""

EXAMPLE = """example:
  python tools/analysis_tools/print_config.py \\
      configs/cion/cion_resnet50-ibn_8xb120-100e_cional.py
"""


def main() -> None:
    """Print."""
    from mmcion.utils.cli import add_cfg_options, read_config, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('config', help='config file')
    add_cfg_options(parser)
    args = parser.parse_args()
    print(read_config(args.config, args.cfg_options).pretty_text)


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)

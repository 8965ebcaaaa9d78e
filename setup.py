"""Package mmcion. Settings of the development tools are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Read ``requirements/<name>.txt`` without its comments."""
    lines = (HERE / 'requirements' / f'{name}.txt').read_text().splitlines()
    return [line for line in lines if line and not line.startswith('#')]


version: dict[str, str] = {}
exec((HERE / 'mmcion' / 'version.py').read_text(), version)

setup(
    name='mmcion',
    version=version['__version__'],
    description='Person re-identification pre-training, from raw video to a '
    'model you can deploy',
    long_description=(HERE / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmcion', 'mmcion.*']),
    package_data={
        'mmcion': [
            # links here, copies in the wheel
            '.mim/model-index.yml',
            '.mim/configs/**/*.csv',
            '.mim/configs/**/*.py',
            '.mim/tools/**/*.jinja',
            '.mim/tools/**/*.py',
            '.mim/tools/**/*.sh',
            'model-index.yml',
            'visualization/*.css',
            'visualization/*.jinja',
            'visualization/*.mplstyle',
        ]
    },
    python_requires='>=3.10,<3.13',
    # mmengine and its siblings exist as two distributions that own the same
    # import names; the extra mim brings the maintained one.
    install_requires=requirements('runtime'),
    extras_require={
        'docs': requirements('docs'),
        # faiss on CPUs or on GPUs: never both, see requirements/gpu.txt
        'faiss': requirements('faiss'),
        'gpu': requirements('gpu'),
        'export': requirements('export'),
        'mim': requirements('mminstall'),
        'tests': requirements('tests'),
        'video': requirements('video'),
    },
    entry_points={'console_scripts': ['mmcion = mmcion.__main__:main']},
)

_base_ = ['../../../configs/denoise/three-levels_auto.py']

custom_imports = dict(imports=['projects.example_project.example_project'])
pipeline = [
    dict(type='ScoreDenoiser', min_score=0.5),
    *_base_.pipeline,
]
